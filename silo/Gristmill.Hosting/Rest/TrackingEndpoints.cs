using System.Collections.Immutable;
using Gristmill.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>What runs logged: metrics with their history, parameters, tags, artifacts; and many runs side by side.</summary>
internal static class TrackingEndpoints
{
    private const int MaxTags = 100;

    private static readonly QueryParameter[] s_history =
    [
        QueryParameter.Number("from", long.MinValue, long.MaxValue, "The first step; all without."),
        QueryParameter.Number("points", 1, MetricQuery.MaxPoints, "The most points of a series, 1000 without: more are thinned out."),
        QueryParameter.Number("attempt", 1, int.MaxValue, "Only what this attempt logged. Without: what holds, a later attempt replacing an earlier one from its first step on."),
    ];

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/runs").WithTags("Experiments");

        group.MapPost("/compare", async (HttpContext http, ITrackingStore store) =>
            RestBody.Json(await CompareAsync((await RestBody.ReadAsync<RunIds>(http)).Ids, store, http.RequestAborted)))
            .Accepts<RunIds>("application/json").Produces<RunRecord[]>().ProducesProblem(400).ProducesProblem(404)
            .WithSummary("Parameters, tags and newest metrics of up to 1,000 runs in one answer.");

        group.MapGet("/{id}/metrics", async (string id, ITrackingStore store, IGrainFactory grains, CancellationToken cancellationToken) =>
        {
            await RequireAsync(id, store, grains, cancellationToken);
            return RestBody.Json(await store.ListMetricsAsync(id, cancellationToken));
        }).Produces<MetricLatest[]>().ProducesProblem(404).WithSummary("The newest value of every metric of a run.");

        group.MapGet("/{id}/metrics/{**key}", async (string id, string key, HttpContext http, ITrackingStore store, IGrainFactory grains) =>
        {
            var values = new QueryValues(http, s_history);
            var query = new MetricQuery
            {
                RunId = id,
                Name = key,
                From = values.Int64("from") ?? long.MinValue,
                Points = values.Int32("points") ?? 1000,
                Attempt = values.Int32("attempt"),
            };
            await RequireAsync(id, store, grains, http.RequestAborted);
            var series = await store.GetHistoryAsync(query, http.RequestAborted);
            return series.Count > 0 ? RestBody.Json(series) : throw new GristmillException(ErrorCodes.NotFound,
                $"Run '{id}' has no history of a metric '{key}'.", $"/api/v1/runs/{id}/metrics lists its metrics; outputs of stages have no history.");
        }).Produces<MetricSeries[]>().ProducesProblem(400).ProducesProblem(404)
          .WithQuery(s_history).WithSummary("The history of a metric, a series a stage that logged it, from a step on and thinned out to so many points.");

        group.MapGet("/{id}/params", async (string id, ITrackingStore store, CancellationToken cancellationToken) =>
            RestBody.Json((await RecordAsync(id, store, cancellationToken)).Parameters))
            .Produces<Dictionary<string, string>>().ProducesProblem(404).WithSummary("The parameters of a run, with those that its stages logged.");

        MapTags(group);
        MapArtifacts(group);
    }

    /// <summary>Adds what a run logged to how its grain shows it.</summary>
    public static async Task<RunView> AddTrackedAsync(RunView run, ITrackingStore store, CancellationToken cancellationToken)
    {
        var metrics = (await store.ListMetricsAsync(run.Id, cancellationToken)).Where(static metric => metric.Points > 0)
            .GroupBy(static metric => metric.Stage, StringComparer.Ordinal)
            .ToDictionary(static stage => stage.Key, static stage => stage.ToImmutableDictionary(static m => m.Name, static m => m.Value, StringComparer.Ordinal), StringComparer.Ordinal);
        return run with
        {
            Tags = await store.GetRunsAsync([run.Id], cancellationToken) is [{ Tags.IsEmpty: false } record] ? record.Tags : run.Tags,
            Stages = [.. run.Stages.Select(stage => metrics.TryGetValue(stage.Name, out var logged) ? stage with { Metrics = logged } : stage)],
        };
    }

    private static void MapTags(RouteGroupBuilder group)
    {
        group.MapGet("/{id}/tags", async (string id, ITrackingStore store, CancellationToken cancellationToken) =>
            RestBody.Json((await RecordAsync(id, store, cancellationToken)).Tags))
            .Produces<Dictionary<string, string>>().ProducesProblem(404).WithSummary("The tags of a run.");

        group.MapPatch("/{id}/tags", async (string id, HttpContext http, ITrackingStore store, IGrainFactory grains) =>
        {
            var tags = await RestBody.ReadAsync<Dictionary<string, string?>>(http);
            if (tags.Count > MaxTags)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"{tags.Count} tags are more than {MaxTags} at once.", "Send some at a time.");
            }

            foreach (var (name, value) in tags)
            {
                TrackRules.Require(name, value ?? "", "tag");
            }

            await RequireAsync(id, store, grains, http.RequestAborted);
            await store.SetTagsAsync(id, tags);
            return RestBody.Json((await RecordAsync(id, store, http.RequestAborted)).Tags);
        }).Accepts<Dictionary<string, string?>>("application/json").Produces<Dictionary<string, string>>().ProducesProblem(400).ProducesProblem(404)
          .WithSummary("Sets tags by name; null removes one.");

        group.MapDelete("/{id}/tags/{**name}", async (string id, string name, ITrackingStore store, IGrainFactory grains, CancellationToken cancellationToken) =>
        {
            TrackRules.RequireName(name, "tag");
            await RequireAsync(id, store, grains, cancellationToken);
            await store.SetTagsAsync(id, new Dictionary<string, string?> { [name] = null });
            return Results.NoContent();
        }).Produces(204).ProducesProblem(400).ProducesProblem(404).WithSummary("Removes a tag; one that is not there changes nothing.");
    }

    private static void MapArtifacts(RouteGroupBuilder group)
    {
        group.MapGet("/{id}/artifacts", async (string id, ITrackingStore store, IGrainFactory grains, CancellationToken cancellationToken) =>
        {
            await RequireAsync(id, store, grains, cancellationToken);
            return RestBody.Json(await store.ListArtifactsAsync(id, cancellationToken));
        }).Produces<TrackedArtifact[]>().ProducesProblem(404).WithSummary("The files and figures beside a run.");

        group.MapGet("/{id}/artifacts/{**path}", async (string id, string path, HttpContext http, ITrackingStore store, ContentStore content) =>
        {
            // Looked up and never made into a path of the disk.
            var artifact = (await store.ListArtifactsAsync(id, http.RequestAborted)).FirstOrDefault(artifact => artifact.Path == path)
                ?? throw new GristmillException(ErrorCodes.NotFound, $"Run '{id}' has no artifact '{path}'.", $"/api/v1/runs/{id}/artifacts lists them.");
            var file = Directory.EnumerateFiles(content.GetPath(artifact.Digest)).Single();
            var (type, shown) = ContentType(path);
            // Users' files in the browser of somebody else: nothing in them may run, or reach what this address can reach.
            http.Response.Headers.XContentTypeOptions = "nosniff";
            http.Response.Headers.ContentSecurityPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'";
            return Results.File(file, type, shown ? null : Path.GetFileName(path), enableRangeProcessing: true,
                entityTag: new Microsoft.Net.Http.Headers.EntityTagHeaderValue($"\"{artifact.Digest}\""));
        }).Produces(200).ProducesProblem(404).WithSummary("A file or figure beside a run.");
    }

    private static (string Type, bool Shown) ContentType(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".svg" => ("image/svg+xml", true),
        ".png" => ("image/png", true),
        ".jpg" or ".jpeg" => ("image/jpeg", true),
        ".gif" => ("image/gif", true),
        ".webp" => ("image/webp", true),
        ".json" => ("application/json", true),
        ".csv" => ("text/csv; charset=utf-8", true),
        ".txt" or ".md" or ".log" or ".yaml" or ".yml" => ("text/plain; charset=utf-8", true),
        _ => ("application/octet-stream", false),
    };

    private static async Task<IReadOnlyList<RunRecord>> CompareAsync(IReadOnlyList<string> ids, ITrackingStore store, CancellationToken cancellationToken)
    {
        if (ids.Count is 0 or > RunQuery.MaxLimit)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{ids.Count} ids cannot be compared.", $"Give 1 to {RunQuery.MaxLimit}.");
        }

        var runs = await store.GetRunsAsync(ids, cancellationToken);
        return ids.Except(runs.Select(static run => run.Id), StringComparer.Ordinal).FirstOrDefault() is { } missing ? throw RunEndpoints.Missing(missing) : runs;
    }

    private static async Task<RunRecord> RecordAsync(string id, ITrackingStore store, CancellationToken cancellationToken) =>
        await store.GetRunsAsync([id], cancellationToken) is [var record] ? record : throw RunEndpoints.Missing(id);

    /// <summary>The index knows a run within milliseconds; its grain knows it at once.</summary>
    private static async Task RequireAsync(string id, ITrackingStore store, IGrainFactory grains, CancellationToken cancellationToken)
    {
        if ((await store.GetRunsAsync([id], cancellationToken)).Count == 0 && await grains.GetGrain<IRunGrain>(id).GetAsync() is null)
        {
            throw RunEndpoints.Missing(id);
        }
    }
}

/// <summary>Names runs.</summary>
/// <param name="Ids">Their ids, at most 1,000.</param>
public sealed record RunIds(ImmutableArray<string> Ids);
