using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>Runs: list, show, watch, cancel, remove.</summary>
internal static class RunEndpoints
{
    private static readonly QueryParameter[] s_search =
    [
        new("pipeline", "Only runs of this pipeline."),
        new("filter", "Only runs it holds for, such as: params.epochs = '8' and metrics.train.auc > 0.7."),
        new("order", "What they are ordered by, such as: metrics.train.auc desc. Newest first without."),
        QueryParameter.Number("limit", 1, RunQuery.MaxLimit, "The most runs of a page, 50 without."),
        new("page", "The page that the header Link of the one before names."),
        new("before", "Only runs older than this one."),
    ];

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/runs").WithTags("Runs");

        group.MapGet("/", async (HttpContext http, ITrackingStore store) =>
        {
            var values = new QueryValues(http, s_search);
            var query = new RunQuery
            {
                Pipeline = values.Text("pipeline"),
                Filter = values.Text("filter"),
                Order = values.Text("order"),
                Limit = values.Int32("limit") ?? 50,
                Page = values.Text("page"),
                Before = values.Text("before"),
            };
            var page = await store.SearchAsync(query, http.RequestAborted);
            if (page.Next is { } next)
            {
                http.Response.Headers.Link = $"<{values.With("page", next)}>; rel=\"next\"";
            }

            return RestBody.Json(page.Runs);
        }).Produces<RunRecord[]>().ProducesProblem(400).WithQuery(s_search)
          .WithSummary("Finds runs: of a pipeline, by a filter such as \"params.epochs = '8' and metrics.auc > 0.7\", ordered by a field such as \"metrics.auc desc\" (newest first without). The header Link names the next page.");

        // From the query, said so: for an array alone the generated handler asks for a body of JSON as well, and a request without one goes to /{id}.
        group.MapGet("/compare", async ([FromQuery] string[]? run, IGrainFactory grains) => RestBody.Json(await RunComparer.CompareAsync(grains, run ?? [])))
            .Produces<ComparedRuns>().ProducesProblem(400).ProducesProblem(404)
            .WithSummary("Puts runs side by side, each a 'run' of the query: parameters, metrics, times of stages, digests of code and inputs, versions.");

        group.MapGet("/{id}", async (string id, IGrainFactory grains, ITrackingStore store, CancellationToken cancellationToken) =>
            RestBody.Json(await TrackingEndpoints.AddTrackedAsync(await grains.GetGrain<IRunGrain>(id).GetWholeAsync() ?? throw Missing(id), store, cancellationToken)))
            .Produces<RunView>().ProducesProblem(404)
            .WithSummary("Shows a run with its stages; of more than 100 those that failed or run, and 'counts' of all.");

        group.MapGet("/{id}/stages", async (string id, int? offset, int? limit, string? status, IGrainFactory grains) =>
            RestBody.Json(await PageAsync(grains.GetGrain<IRunGrain>(id), offset ?? 0, limit ?? 100, Status(status)) ?? throw Missing(id)))
            .Produces<StagePage>().ProducesProblem(400).ProducesProblem(404)
            .WithSummary("Lists a run's stages in the order of the spec, 1 to 1000 at once; 'next' is the offset to go on from. 'status' picks those of one status.");

        group.MapGet("/{id}/stages/{stage}", async (string id, string stage, IGrainFactory grains) =>
        {
            var run = grains.GetGrain<IRunGrain>(id);
            return RestBody.Json(await run.GetStageAsync(stage) ?? throw (await run.GetAsync() is null
                ? Missing(id)
                : new GristmillException(ErrorCodes.NotFound, $"Run '{id}' has no stage '{stage}'.", $"'mill show {id} --stages' lists them.")));
        }).Produces<StageView>().ProducesProblem(404).WithSummary("Shows one stage of a run.");

        group.MapGet("/{id}/events", WatchAsync)
            .Produces<RunEvent>(200, "text/event-stream").ProducesProblem(404)
            .WithSummary("Follows a run by server-sent events until it ends: first the run, of a large one then all stages several an event, then the changes (a stage, several stages, a pause or its end), last the run.");

        group.MapPost("/{id}/cancel", async (string id, IGrainFactory grains) =>
        {
            var run = grains.GetGrain<IRunGrain>(id);
            _ = await run.GetAsync() ?? throw Missing(id);
            await run.CancelAsync();
            return Results.StatusCode(StatusCodes.Status202Accepted);
        }).Produces(202).ProducesProblem(404).WithSummary("Cancels a run; stages end within a second.");

        Control("pause", static run => run.PauseAsync(), "Pauses a run: running stages finish, no new ones start.");
        Control("resume", static run => run.ContinueAsync(), "Lets a paused run go on.");
        Control("retry", static run => run.RetryAsync(), "Lets a run that failed or was cancelled go on: what it has committed stays, the other stages start anew.");

        group.MapDelete("/{id}", async (string id, IGrainFactory grains) =>
        {
            await grains.GetGrain<IRunGrain>(id).RemoveAsync();
            return Results.NoContent();
        }).Produces(204).ProducesProblem(404).ProducesProblem(409)
          .WithSummary("Removes a run that has ended, with its stages and all that they logged and printed. What others have taken over from it stays.");

        group.MapPost("/{id}/rerun", async (string id, HttpContext http, IGrainFactory grains) =>
        {
            var earlier = await grains.GetGrain<IRunGrain>(id).GetAsync() ?? throw Missing(id);
            var request = http.Request.ContentLength == 0 ? new RunRequest() : await RestBody.ReadAsync<RunRequest>(http);
            request = request with { RerunOf = id, IdempotencyKey = http.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 } key ? key : request.IdempotencyKey };
            var started = await grains.GetGrain<IPipelineGrain>(earlier.Pipeline).StartRunAsync(request);
            http.Response.Headers.Location = $"/api/v1/runs/{started}";
            return RestBody.Json(new RunStarted(started), StatusCodes.Status202Accepted);
        }).Accepts<RunRequest>("application/json").Produces<RunStarted>(202).ProducesProblem(400).ProducesProblem(404)
          .WithSummary("Starts a new run of the same version with the same parameters, but for those given.");

        void Control(string verb, Func<IRunGrain, Task> act, string summary) => group.MapPost($"/{{id}}/{verb}", async (string id, IGrainFactory grains) =>
        {
            var run = grains.GetGrain<IRunGrain>(id);
            _ = await run.GetAsync() ?? throw Missing(id);
            await act(run);
            return RestBody.Json(await run.GetWholeAsync());
        }).Produces<RunView>().ProducesProblem(404).ProducesProblem(409).WithSummary(summary);
    }

    private static async Task WatchAsync(string id, HttpContext http, IGrainFactory grains)
    {
        await using var changes = grains.GetGrain<IRunGrain>(id).FollowAsync(http.RequestAborted).GetAsyncEnumerator(http.RequestAborted);
        // Before the answer begins: a run that is not there is a 404, and a silo that has just died is waited for.
        var more = await changes.MoveNextAsync();
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        await http.Response.StartAsync(http.RequestAborted);
        while (more)
        {
            var change = changes.Current;
            var data = JsonSerializer.Serialize(change, GristmillJson.Options);
            await http.Response.WriteAsync($"id: {change.Sequence}\nevent: {Kind(change)}\ndata: {data}\n\n", http.RequestAborted);
            var next = changes.MoveNextAsync();
            if (!next.IsCompleted)
            {
                // Changes that came together go together.
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }

            more = await next;
        }
    }

    private static string Kind(RunEvent change) =>
        change.Run is not null ? "run" : change.Stage is not null ? "stage" : change.Stages.IsEmpty ? "pause" : "stages";

    /// <summary>A page as large as was asked for, of as many messages as it takes.</summary>
    private static async Task<StagePage?> PageAsync(IRunGrain run, int offset, int limit, StageStatus? status)
    {
        if (await run.GetStagesAsync(offset, limit, status) is not { } page)
        {
            return null;
        }

        var stages = page.Stages.ToBuilder();
        while (stages.Count < limit && page.Next is { } next && await run.GetStagesAsync(next, limit - stages.Count, status) is { } more)
        {
            stages.AddRange(more.Stages);
            page = more;
        }

        return page with { Stages = stages.ToImmutable() };
    }

    private static StageStatus? Status(string? text) =>
        text is null ? null
        : Enum.TryParse<StageStatus>(text, ignoreCase: true, out var status) && !char.IsAsciiDigit(text[0]) ? status
        : throw new GristmillException(
            ErrorCodes.Invalid, $"'{text}' is not a stage's status.", $"Use one of {string.Join(", ", Enum.GetNames<StageStatus>()).ToLowerInvariant()}.");

    internal static GristmillException Missing(string id) =>
        new(ErrorCodes.NotFound, $"There is no run '{id}'.", "'mill runs' lists those there are.");
}
