using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>What is known of one stage of a run.</summary>
internal static class StageEndpoints
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(200);

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/runs/{id}/stages/{stage}").WithTags("Runs");

        group.MapGet("/cache", async (string id, string stage, IGrainFactory grains) => RestBody.Json(await CacheExplainer.ExplainAsync(grains, id, stage)))
            .Produces<StageCacheView>().ProducesProblem(404)
            .WithSummary("Says why a stage took an earlier result over or not, and in what it differs from the nearest earlier execution.");

        group.MapGet("/logs", async (string id, string stage, int? attempt, long? offset, int? limit, IGrainFactory grains) =>
        {
            if (attempt < 1 || offset < 0 || limit is < 4 or > StageLogLimits.MaxPageBytes)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"attempt is {attempt}, offset {offset}, limit {limit}.",
                    $"An attempt is at least 1, an offset at least 0, a limit 4 to {StageLogLimits.MaxPageBytes} bytes.");
            }

            return RestBody.Json(await ReadAsync(grains, id, stage, attempt ?? 0, offset ?? 0, limit ?? StageLogLimits.MaxPageBytes));
        }).Produces<LogPage>().ProducesProblem(404)
          .WithSummary("A page of what an attempt, by default the newest, has printed; the next page starts at 'next'.");

        group.MapGet("/logs/events", WatchAsync).Produces<LogPage>(200, "text/event-stream").ProducesProblem(404)
            .WithSummary("Follows what an attempt, by default the newest, prints by server-sent events, from an offset in bytes on, until it ends; a browser that asks again goes on where it was.");
    }

    private static async Task WatchAsync(string id, string stage, int? attempt, long? offset, HttpContext http, IGrainFactory grains)
    {
        if (attempt < 1 || offset < 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"attempt is {attempt}, offset {offset}.", "An attempt is at least 1, an offset at least 0.");
        }

        // An event's id is where the next one begins: a browser that lost the connection sends it.
        if (long.TryParse(http.Request.Headers["Last-Event-ID"], NumberStyles.None, CultureInfo.InvariantCulture, out var last))
        {
            offset = last;
        }

        _ = await ReadAsync(grains, id, stage, attempt ?? 0, 0, 4);
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        await http.Response.StartAsync(http.RequestAborted);
        await foreach (var page in FollowAsync(grains, id, stage, attempt ?? 0, offset ?? 0, http.RequestAborted))
        {
            await http.Response.WriteAsync($"id: {page.Next}\nevent: log\ndata: {JsonSerializer.Serialize(page, GristmillJson.Options)}\n\n", http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
    }

    private static async IAsyncEnumerable<LogPage> FollowAsync(
        IGrainFactory grains, string id, string stage, int attempt, long offset, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_poll);
        while (true)
        {
            var page = await ReadAsync(grains, id, stage, attempt, offset, StageLogLimits.MaxPageBytes);
            if (page.Text.Length > 0 || page.Ended)
            {
                yield return page;
            }

            if (page.Ended)
            {
                yield break;
            }

            // The newest attempt is the one that was the newest at the first look.
            attempt = page.Attempt;
            // Right after its end nothing may be known of an attempt until its log is stored: no page goes back.
            offset = Math.Max(offset, page.Next);
            if (page.Next >= page.Bytes)
            {
                await timer.WaitForNextTickAsync(cancellationToken);
            }
        }
    }

    private static async Task<LogPage> ReadAsync(IGrainFactory grains, string id, string stage, int attempt, long offset, int limit)
    {
        var grain = grains.GetGrain<IStageGrain>($"{id}/{stage}");
        if (await grain.ReadLogAsync(attempt, offset, limit) is { } page)
        {
            return page;
        }

        var run = grains.GetGrain<IRunGrain>(id);
        _ = await run.GetAsync() ?? throw new GristmillException(ErrorCodes.NotFound, $"There is no run '{id}'.", "'mill runs' lists those there are.");
        var view = await run.GetStageAsync(stage)
            ?? throw new GristmillException(ErrorCodes.NotFound, $"Run '{id}' has no stage '{stage}'.", $"'mill show {id}' lists its stages.");
        if (attempt > view.Attempts)
        {
            throw new GristmillException(ErrorCodes.NotFound, $"Stage '{stage}' of run '{id}' has had {view.Attempts} attempts, not {attempt}.", "Name one of them, or none for the newest.");
        }

        // It has printed nothing so far, or has not started.
        var ended = view.Status is not (StageStatus.Pending or StageStatus.Running) || (attempt > 0 && attempt < view.Attempts);
        return new LogPage { Attempt = attempt, Offset = 0, Next = 0, Bytes = 0, Ended = ended };
    }
}
