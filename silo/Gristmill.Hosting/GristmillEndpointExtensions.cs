using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>Maps Gristmill's addresses into any ASP.NET Core application that hosts its silo.</summary>
public static class GristmillEndpointExtensions
{
    /// <summary>
    /// Maps REST under /api/v1, Arrow Flight (over HTTP/2 wherever the application listens for it), /health/live and /health/ready, the web console under
    /// /console and the Orleans dashboard under /orleans.
    /// Errors are RFC 9457 problem details with a stable code. Changes that a page of another origin asks for are refused
    /// (<see cref="GristmillOptions.TrustedOrigins"/>).
    /// </summary>
    /// <param name="app">The application; its services hold what <see cref="GristmillSiloBuilderExtensions.UseGristmill"/> added.</param>
    /// <returns>The group of the REST addresses and of Arrow Flight's, for authorization and other conventions.</returns>
    public static RouteGroupBuilder MapGristmill(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<GristmillOptions>();
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Gristmill.Rest");
        app.UseWhen(http => http.Request.Path.StartsWithSegments("/api/v1", StringComparison.Ordinal), branch => branch.Use(next => http =>
        {
            if (http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            {
                size.MaxRequestBodySize = options.MaxRequestBytes;
            }

            return Problems.GuardAsync(http, next, options, logger);
        }));

        var root = app.MapGroup("");
        FlightSetup.Map(root);
        var api = root.MapGroup("/api/v1");
        api.MapGet("/info", (DataFolder folder) => RestBody.Json(new ServerInfo(
            "Gristmill", Version, options.Cluster, folder.Root, Environment.ProcessId, options.FlightPort == 0 ? null : $"grpc://127.0.0.1:{options.FlightPort}"))).Produces<ServerInfo>()
            .WithTags("Server").WithSummary("What answers here.");
        PipelineEndpoints.Map(api);
        RunEndpoints.Map(api);
        StageEndpoints.Map(api);
        TrackingEndpoints.Map(api);
        TriggerEndpoints.Map(api);
        PartitionEndpoints.Map(api);
        WebhookEndpoint.Map(api);
        ObjectEndpoints.Map(api);
        CodeEndpoints.Map(api, options);
        ModelEndpoints.Map(api);
        DeploymentEndpoints.Map(api);
        PredictEndpoint.Map(api, app.Services.GetRequiredService<PredictEndpoint>());
        api.MapFallback(UnmatchedRequest.RefuseAsync);

        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = check => check.Tags.Contains("ready") });
        if (options.Console)
        {
            ConsoleFiles.Map(app, "/console");
        }

        if (options.Dashboard)
        {
            DashboardOnDemand.Map(app, "/orleans");
        }

        return root;
    }

    private static string Version { get; } =
        typeof(GristmillEndpointExtensions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}
