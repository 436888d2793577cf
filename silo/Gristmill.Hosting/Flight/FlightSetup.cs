using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Gristmill.Hosting;

/// <summary>Arrow Flight in a host.</summary>
internal static class FlightSetup
{
    public static void Add(IServiceCollection services)
    {
        services.AddGrpc();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<FlightService>, FlightMethods>());
        services.AddSingleton<FlightQueries>();
        services.AddSingleton<FlightSql>();
        services.AddSingleton<FlightActions>();
        services.AddSingleton<FlightService>();
    }

    public static void Map(IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<FlightService>();
}
