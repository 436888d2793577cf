using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>Runs: list, show, watch, cancel.</summary>
internal static class RunEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/runs").WithTags("Runs");

        group.MapGet("/", async (string? pipeline, int? limit, string? before, IGrainFactory grains) =>
        {
            var count = limit ?? 50;
            if (count is < 1 or > 1000)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"limit is {count}.", "Use 1 to 1000, and 'before' to page.");
            }

            IReadOnlyList<string> names = pipeline is null ? await grains.GetGrain<ICatalogGrain>("pipelines").ListAsync() : [pipeline];
            var lists = await Task.WhenAll(names.Select(name => grains.GetGrain<IPipelineGrain>(name).ListRunsAsync(count, before)));
            return RestBody.Json(lists.SelectMany(list => list).OrderByDescending(run => run.Id, StringComparer.Ordinal).Take(count).ToArray());
        }).Produces<RunSummary[]>().WithSummary("Lists runs, newest first; page with 'before'.");

        group.MapGet("/{id}", async (string id, IGrainFactory grains) =>
            RestBody.Json(await grains.GetGrain<IRunGrain>(id).GetAsync() ?? throw Missing(id)))
            .Produces<RunView>().ProducesProblem(404).WithSummary("Shows a run with its stages.");

        group.MapGet("/{id}/events", WatchAsync)
            .Produces<RunEvent>(200, "text/event-stream").ProducesProblem(404)
            .WithSummary("Follows a run by server-sent events until it ends: first the whole run, then one event a change, last the whole run.");

        group.MapPost("/{id}/cancel", async (string id, IGrainFactory grains) =>
        {
            var run = grains.GetGrain<IRunGrain>(id);
            _ = await run.GetAsync() ?? throw Missing(id);
            await run.CancelAsync();
            return Results.StatusCode(StatusCodes.Status202Accepted);
        }).Produces(202).ProducesProblem(404).WithSummary("Cancels a run; stages end within a second.");
    }

    private static async Task WatchAsync(string id, HttpContext http, IGrainFactory grains)
    {
        var run = grains.GetGrain<IRunGrain>(id);
        _ = await run.GetAsync() ?? throw Missing(id);
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        await http.Response.StartAsync(http.RequestAborted);
        await foreach (var change in run.WatchAsync(http.RequestAborted).WithCancellation(http.RequestAborted))
        {
            var data = JsonSerializer.Serialize(change, GristmillJson.Options);
            await http.Response.WriteAsync($"id: {change.Sequence}\nevent: {(change.Run is null ? "stage" : "run")}\ndata: {data}\n\n", http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
    }

    private static GristmillException Missing(string id) =>
        new(ErrorCodes.NotFound, $"There is no run '{id}'.", "'mill runs' lists those there are.");
}
