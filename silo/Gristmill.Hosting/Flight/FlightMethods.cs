using Gristmill.Flight;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Gristmill.Hosting;

/// <summary>
/// The methods of Arrow's Flight service. Those that carry tables read and write the connection themselves
/// (<see cref="FlightFrameReader"/>, <see cref="FlightFrameWriter"/>): their marshallers are never called.
/// </summary>
internal sealed class FlightMethods : IServiceMethodProvider<FlightService>
{
    private static readonly Marshaller<Frame> s_frame = Marshallers.Create<Frame>(static _ => throw new NotSupportedException(), static _ => throw new NotSupportedException());

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<FlightService> context)
    {
        context.AddServerStreamingMethod(Streamed("ListFlights", FlightBytes.Marshaller, FlightInfo.Marshaller), [],
            static (service, criteria, output, call) => service.ListFlightsAsync(criteria, output, call));
        context.AddUnaryMethod(new Method<FlightDescriptor, FlightInfo>(MethodType.Unary, FlightWire.Service, "GetFlightInfo", FlightDescriptor.Marshaller, FlightInfo.Marshaller), [],
            static (service, descriptor, call) => service.GetFlightInfoAsync(descriptor, call));
        context.AddUnaryMethod(new Method<FlightDescriptor, FlightBytes>(MethodType.Unary, FlightWire.Service, "GetSchema", FlightDescriptor.Marshaller, FlightBytes.Marshaller), [],
            static (service, descriptor, call) => service.GetSchemaAsync(descriptor, call));
        context.AddServerStreamingMethod(Streamed("DoGet", FlightBytes.Marshaller, s_frame), [],
            static (service, ticket, _, call) => service.DoGetAsync(ticket, call));
        context.AddDuplexStreamingMethod(new Method<Frame, FlightBytes>(MethodType.DuplexStreaming, FlightWire.Service, "DoPut", s_frame, FlightBytes.Marshaller), [],
            static (service, _, output, call) => service.DoPutAsync(output, call));
        context.AddDuplexStreamingMethod(new Method<Frame, Frame>(MethodType.DuplexStreaming, FlightWire.Service, "DoExchange", s_frame, s_frame), [],
            static (service, _, _, call) => service.DoExchangeAsync(call));
        context.AddServerStreamingMethod(Streamed("DoAction", FlightAction.Marshaller, FlightBytes.Marshaller), [],
            static (service, action, output, call) => service.DoActionAsync(action, output, call));
        context.AddServerStreamingMethod(Streamed("ListActions", FlightBytes.Marshaller, FlightAction.Marshaller), [],
            static (service, _, output, call) => service.ListActionsAsync(output, call));
    }

    private static Method<TRequest, TResponse> Streamed<TRequest, TResponse>(string name, Marshaller<TRequest> request, Marshaller<TResponse> response) =>
        new(MethodType.ServerStreaming, FlightWire.Service, name, request, response);

    /// <summary>Stands for FlightData, of which no object is ever made.</summary>
    internal sealed class Frame
    {
        private Frame()
        {
        }
    }
}
