using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>Partitions of a pipeline, and backfills over them.</summary>
internal static class PartitionEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/pipelines/{name}").WithTags("Partitions");

        group.MapGet("/partitions", async (string name, string? range, PartitionStatus? status, int? limit, string? after, IGrainFactory grains) =>
            RestBody.Json(await grains.GetGrain<IPartitionsGrain>(name).ListAsync(new PartitionQuery(range, status, limit ?? 200, after))))
            .Produces<PartitionPage>().ProducesProblem(400).ProducesProblem(404).WithSummary("What is there, missing, failed or stale; page with 'after'.");

        group.MapPost("/partitions/mark-stale", async (string name, HttpContext http, IGrainFactory grains) =>
        {
            var request = await RestBody.ReadAsync<MarkStale>(http);
            return RestBody.Json(new MarkedStale(await grains.GetGrain<IPartitionsGrain>(name).MarkStaleAsync(request.Partitions, request.Reason)));
        }).Accepts<MarkStale>("application/json").Produces<MarkedStale>().ProducesProblem(400).ProducesProblem(404)
          .WithSummary("Says that partitions must be made anew, as their data changed.");

        group.MapPost("/backfills", async (string name, HttpContext http, IGrainFactory grains) =>
        {
            var request = await RestBody.ReadAsync<BackfillRequest>(http);
            if (http.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 } key)
            {
                request = request with { IdempotencyKey = key };
            }

            return RestBody.Json(await grains.GetGrain<IPartitionsGrain>(name).StartBackfillAsync(request), StatusCodes.Status202Accepted);
        }).Accepts<BackfillRequest>("application/json").Produces<BackfillView>(202).ProducesProblem(400).ProducesProblem(404)
          .WithSummary("Makes the partitions of a range, so many at once. The header Idempotency-Key makes a repeated request harmless.");

        group.MapGet("/backfills", async (string name, IGrainFactory grains) => RestBody.Json(await grains.GetGrain<IPartitionsGrain>(name).ListBackfillsAsync()))
            .Produces<BackfillView[]>().WithSummary("The newest 50 backfills, newest first.");

        api.MapGet("/backfills/{id}", async (string id, IGrainFactory grains) => RestBody.Json(await grains.GetGrain<IBackfillGrain>(id).GetAsync() ?? throw new GristmillException(
            ErrorCodes.NotFound, $"There is no backfill '{id}'.", "'mill backfill list PIPELINE' shows those there are.")))
            .WithTags("Partitions").Produces<BackfillView>().ProducesProblem(404).WithSummary("Shows a backfill.");

        api.MapPost("/backfills/{id}/cancel", async (string id, IGrainFactory grains) => RestBody.Json(await grains.GetGrain<IBackfillGrain>(id).CancelAsync()))
            .WithTags("Partitions").Produces<BackfillView>().ProducesProblem(404).WithSummary("Cancels a backfill with its runs that are under way.");
    }
}

/// <summary>Asks to mark partitions stale.</summary>
/// <param name="Partitions">A key, a range, or "*".</param>
/// <param name="Reason">For people.</param>
public sealed record MarkStale(string Partitions, string? Reason = null);

/// <summary>The answer to it.</summary>
/// <param name="Count">How many are stale by it.</param>
public sealed record MarkedStale(int Count);
