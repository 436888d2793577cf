using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>Pipelines: register, list, show, and start runs (the trigger).</summary>
internal static class PipelineEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/pipelines").WithTags("Pipelines");
        api.MapGet("/schema/pipeline", () => Results.Text(PipelineSchema.Text, "application/schema+json"))
            .Produces<string>(contentType: "application/schema+json").WithTags("Pipelines").WithSummary("The JSON schema of a pipeline's spec.");

        group.MapPut("/{name}", async (string name, HttpContext http, IGrainFactory grains) =>
        {
            var spec = await RestBody.ReadAsync<PipelineSpec>(http);
            if (spec.Name != name)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The spec is named '{spec.Name}', the address '{name}'.", "Use one name.");
            }

            return RestBody.Json(await grains.RegisterPipelineAsync(spec));
        }).Accepts<PipelineSpec>("application/json").Produces<PipelineView>().ProducesProblem(400)
          .WithSummary("Registers a pipeline; the same spec again changes nothing.");

        group.MapGet("/", async (IGrainFactory grains) =>
        {
            var names = await grains.GetGrain<ICatalogGrain>("pipelines").ListAsync();
            var views = await Task.WhenAll(names.Select(name => grains.GetGrain<IPipelineGrain>(name).GetAsync()));
            return RestBody.Json(views.OfType<PipelineView>().Select(view => view with { Spec = null }).ToArray());
        }).Produces<PipelineView[]>().WithSummary("Lists pipelines.");

        group.MapGet("/{name}", async (string name, IGrainFactory grains) =>
            RestBody.Json(await grains.GetPipelineAsync(name) ?? throw Missing(name)))
            .Produces<PipelineView>().ProducesProblem(404).WithSummary("Shows a pipeline with its newest spec.");

        group.MapPost("/{name}/runs", async (string name, HttpContext http, IGrainFactory grains) =>
        {
            var request = http.Request.ContentLength == 0 ? new RunRequest() : await RestBody.ReadAsync<RunRequest>(http);
            if (http.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 } key)
            {
                request = request with { IdempotencyKey = key };
            }

            var id = await grains.GetGrain<IPipelineGrain>(name).StartRunAsync(request);
            http.Response.Headers.Location = $"/api/v1/runs/{id}";
            return RestBody.Json(new RunStarted(id), StatusCodes.Status202Accepted);
        }).Accepts<RunRequest>("application/json").Produces<RunStarted>(202).ProducesProblem(400).ProducesProblem(404)
          .WithSummary("Starts a run of the newest version. The header Idempotency-Key makes a repeated request harmless.");
    }

    private static GristmillException Missing(string name) =>
        new(ErrorCodes.NotFound, $"There is no pipeline '{name}'.", "'mill run FILE' ships one.");
}

/// <summary>The answer to a start.</summary>
/// <param name="Id">The run's id.</param>
public sealed record RunStarted(string Id);
