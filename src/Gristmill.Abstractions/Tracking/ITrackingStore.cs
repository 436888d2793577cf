namespace Gristmill;

/// <summary>
/// Keeps what runs log and what they can be found by, in the shape of MLflow's data: a pipeline is an experiment; a run has
/// parameters, tags, metrics (newest value and history) and artifacts by path. A task that completes without error is durable.
/// </summary>
/// <remarks>Several silos may write to one store. A reader sees all that was put in before through the same instance.</remarks>
public interface ITrackingStore
{
    /// <summary>Takes in what an attempt logged. Calls for one attempt take effect in their order, also if they are not awaited.</summary>
    /// <exception cref="GristmillException">The store is full, locked or unreachable; nothing of the batch was kept.</exception>
    Task AppendAsync(TrackBatch batch);

    /// <summary>Takes in how a run stands, unless the index has a newer sequence of it.</summary>
    Task PutRunAsync(RunProjection run);

    /// <summary>Sets tags; null removes one.</summary>
    Task SetTagsAsync(string runId, IReadOnlyDictionary<string, string?> tags);

    /// <summary>
    /// Takes a run out with all that it logged: it is out of sight at once, and gone when this completes; again changes nothing. What is put in later of a run
    /// of this id is as of a new one.
    /// </summary>
    Task RemoveRunAsync(string runId);

    /// <summary>A page of runs.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: filter, order, limit or page; with the position in it.</exception>
    Task<RunPage> SearchAsync(RunQuery query, CancellationToken cancellationToken = default);

    /// <summary>Runs by id, in the order asked for, without those that are unknown.</summary>
    Task<IReadOnlyList<RunRecord>> GetRunsAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken = default);

    /// <summary>The newest value of every metric of a run.</summary>
    Task<IReadOnlyList<MetricLatest>> ListMetricsAsync(string runId, CancellationToken cancellationToken = default);

    /// <summary>The history of a metric, a series a stage that has it.</summary>
    Task<IReadOnlyList<MetricSeries>> GetHistoryAsync(MetricQuery query, CancellationToken cancellationToken = default);

    /// <summary>The artifacts of a run in order of their paths.</summary>
    Task<IReadOnlyList<TrackedArtifact>> ListArtifactsAsync(string runId, CancellationToken cancellationToken = default);

    /// <summary>
    /// Asks to be the one who puts in all the runs that there are, because the index is new or was lost. Whoever was granted that asks again while at it, before
    /// the time is over, and tells when it is done (<see cref="CompleteRebuildAsync"/>); runs that others put in meanwhile stay.
    /// </summary>
    /// <param name="lease">How long nobody else is granted it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<RebuildClaim> ClaimRebuildAsync(TimeSpan lease, CancellationToken cancellationToken = default);

    /// <summary>Tells that every run that there is was put in; durable when this completes.</summary>
    Task CompleteRebuildAsync();
}
