using System.Text.Json;
using Apache.Arrow;
using Gristmill.Flight;
using Gristmill.Objects;
using Grpc.Core;
using Grpc.Net.Client;

namespace Gristmill.Hosting;

/// <summary>Flight calls of which a test makes every byte.</summary>
internal sealed class RawFlight : IDisposable
{
    private static readonly Marshaller<byte[]> s_bytes = Marshallers.Create<byte[]>(static value => value, static value => value);
    private readonly GrpcChannel _channel;
    private readonly CallInvoker _calls;

    public RawFlight(FlightServer server)
    {
        _channel = GrpcChannel.ForAddress(server.Http, new GrpcChannelOptions { MaxReceiveMessageSize = null });
        _calls = _channel.CreateCallInvoker();
    }

    public Task<FlightInfo> InfoAsync(FlightDescriptor descriptor) =>
        Explained(_calls.AsyncUnaryCall(new Method<FlightDescriptor, FlightInfo>(MethodType.Unary, FlightWire.Service, "GetFlightInfo", FlightDescriptor.Marshaller, FlightInfo.Marshaller), null, Options, descriptor).ResponseAsync);

    public async Task<Schema> SchemaAsync(FlightDescriptor descriptor) =>
        ArrowIpc.DecodeSchema((await Explained(_calls.AsyncUnaryCall(
            new Method<FlightDescriptor, FlightBytes>(MethodType.Unary, FlightWire.Service, "GetSchema", FlightDescriptor.Marshaller, FlightBytes.Marshaller), null, Options, descriptor).ResponseAsync)).Value);

    /// <summary>The results of an action.</summary>
    public Task<List<byte[]>> ActAsync(string type, byte[] body) => StreamAsync("DoAction", FlightAction.Marshaller, new FlightAction(type, body), FlightBytes.Marshaller, static result => result.Value);

    /// <summary>The FlightData messages that a ticket brings, as they are on the wire.</summary>
    public Task<List<byte[]>> GetAsync(byte[] ticket) => StreamAsync("DoGet", FlightBytes.Marshaller, new FlightBytes(ticket), s_bytes, static data => data);

    /// <summary>Sends messages by DoPut or DoExchange, and reads what comes back.</summary>
    public async Task<List<byte[]>> SendAsync(string method, params IEnumerable<byte[]> messages)
    {
        using var call = _calls.AsyncDuplexStreamingCall(new Method<byte[], byte[]>(MethodType.DuplexStreaming, FlightWire.Service, method, s_bytes, s_bytes), null, Options);
        try
        {
            foreach (var message in messages)
            {
                await call.RequestStream.WriteAsync(message);
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // Refused before all was sent; the answer says why.
        }

        var answers = new List<byte[]>();
        while (await Explained(call.ResponseStream.MoveNext(TestContext.Current.CancellationToken)))
        {
            answers.Add(call.ResponseStream.Current);
        }

        return answers;
    }

    /// <summary>A FlightData message.</summary>
    public static byte[] Data(byte[]? header, byte[]? body = null, byte[]? descriptor = null) => FlightWire.Write(output =>
    {
        FlightWire.Bytes(output, 1, descriptor);
        FlightWire.Bytes(output, 2, header);
        FlightWire.Bytes(output, FlightWire.BodyField, body);
    });

    /// <summary>Header and body of a FlightData message.</summary>
    public static (byte[] Header, byte[] Body) Parts(byte[] data)
    {
        byte[] header = [], body = [];
        FlightWire.Read(data, "FlightData", (field, _, input) =>
        {
            switch (field)
            {
                case 2:
                    header = input.ReadBytes().ToByteArray();
                    return true;
                case FlightWire.BodyField:
                    body = input.ReadBytes().ToByteArray();
                    return true;
                default:
                    return false;
            }
        });
        return (header, body);
    }

    public void Dispose() => _channel.Dispose();

    private static CallOptions Options => new(cancellationToken: TestContext.Current.CancellationToken);

    private async Task<List<byte[]>> StreamAsync<TRequest, TResponse>(string method, Marshaller<TRequest> request, TRequest value, Marshaller<TResponse> response, Func<TResponse, byte[]> read)
        where TRequest : class
        where TResponse : class
    {
        using var call = _calls.AsyncServerStreamingCall(new Method<TRequest, TResponse>(MethodType.ServerStreaming, FlightWire.Service, method, request, response), null, Options, value);
        var found = new List<byte[]>();
        while (await Explained(call.ResponseStream.MoveNext(TestContext.Current.CancellationToken)))
        {
            found.Add(read(call.ResponseStream.Current));
        }

        return found;
    }

    private static async Task<T> Explained<T>(Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (RpcException e) when (e.Trailers.GetValueBytes(FlightErrors.ErrorTrailer) is { } error)
        {
            Assert.Equal(JsonSerializer.Deserialize<ErrorInfo>(error, GristmillJson.Options)!.Code, e.Trailers.GetValue(FlightErrors.CodeTrailer));
            throw new GristmillException(JsonSerializer.Deserialize<ErrorInfo>(error, GristmillJson.Options)!);
        }
    }
}
