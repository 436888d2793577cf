using System.Globalization;

namespace Gristmill.Client;

// Partitions and backfills.
public sealed partial class GristmillClient
{
    /// <summary>The partitions of a pipeline: what is there, missing, failed or stale.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="query">Which of them; null: the first 200.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<PartitionPage> ListPartitionsAsync(string pipeline, PartitionQuery? query = null, CancellationToken cancellationToken = default)
    {
        query ??= new PartitionQuery();
        return GetAsync<PartitionPage>(string.Create(CultureInfo.InvariantCulture, $"pipelines/{Escape(pipeline)}/partitions?limit={query.Limit}")
            + (query.Range is null ? "" : $"&range={Escape(query.Range)}") + (query.Status is null ? "" : $"&status={query.Status}")
            + (query.After is null ? "" : $"&after={Escape(query.After)}"), cancellationToken);
    }

    /// <summary>Says that partitions must be made anew.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="partitions">A key, a range, or "*".</param>
    /// <param name="reason">For people.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>How many are stale by it.</returns>
    public async Task<int> MarkStaleAsync(string pipeline, string partitions, string? reason = null, CancellationToken cancellationToken = default) =>
        (await _rest.SendAsync<MarkedStale>(HttpMethod.Post, $"pipelines/{Escape(pipeline)}/partitions/mark-stale", new MarkStale(partitions, reason), true, cancellationToken)).Count;

    /// <summary>Starts a backfill.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="request">What to make; without a key one is made, so that repeated attempts start one backfill.</param>
    /// <param name="cancellationToken">Ends the call, not the backfill.</param>
    public Task<BackfillView> StartBackfillAsync(string pipeline, BackfillRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var key = request.IdempotencyKey ?? Guid.NewGuid().ToString("n");
        return _rest.SendAsync<BackfillView>(HttpMethod.Post, $"pipelines/{Escape(pipeline)}/backfills", request with { IdempotencyKey = null }, true, cancellationToken, key);
    }

    /// <summary>The newest 50 backfills of a pipeline, newest first.</summary>
    public Task<IReadOnlyList<BackfillView>> ListBackfillsAsync(string pipeline, CancellationToken cancellationToken = default) =>
        GetAsync<IReadOnlyList<BackfillView>>($"pipelines/{Escape(pipeline)}/backfills", cancellationToken);

    /// <summary>A backfill as it stands.</summary>
    public Task<BackfillView> GetBackfillAsync(string id, CancellationToken cancellationToken = default) => GetAsync<BackfillView>($"backfills/{Escape(id)}", cancellationToken);

    /// <summary>Cancels a backfill with its runs that are under way.</summary>
    public Task<BackfillView> CancelBackfillAsync(string id, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<BackfillView>(HttpMethod.Post, $"backfills/{Escape(id)}/cancel", null, true, cancellationToken);

    private sealed record MarkStale(string Partitions, string? Reason);

    private sealed record MarkedStale(int Count);
}
