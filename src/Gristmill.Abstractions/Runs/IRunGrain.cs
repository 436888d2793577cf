using System.Collections.Immutable;
using Orleans.Concurrency;

namespace Gristmill;

/// <summary>One execution of a pipeline, keyed by the run's id. It drives its stages; it never computes.</summary>
[Alias("gristmill.IRunGrain")]
public interface IRunGrain : IGrainWithStringKey
{
    /// <summary>Makes the run durable and starts it; again changes nothing.</summary>
    [Alias("Begin")]
    Task StartAsync(RunStart start);
    /// <summary>The run as it stands, or null if there is none of this id. Of a large run it has some of the stages: see <see cref="RunView.Stages"/>.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<RunView?> GetAsync();
    /// <summary>Its stages in the order of the spec, as many as go in one message; null if there is no such run.</summary>
    /// <param name="offset">How many stages of the run to pass over, whatever their status.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="status">Only stages of this status.</param>
    [Alias("GetStages"), AlwaysInterleave]
    Task<StagePage?> GetStagesAsync(int offset, int limit, StageStatus? status);
    /// <summary>One stage, or null.</summary>
    [Alias("GetStage"), AlwaysInterleave]
    Task<StageView?> GetStageAsync(string name);
    /// <summary>
    /// The run's changes until it ends, a pause among them: first the run, then one event a change, last the run again. The stages that the first
    /// event leaves out of a large run follow it, several an event; so do changes that a slow watcher was late for.
    /// </summary>
    [Alias("Watch"), AlwaysInterleave]
    IAsyncEnumerable<RunEvent> WatchAsync(CancellationToken cancellationToken = default);
    /// <summary>Cancels it: running stages end within a second, pending ones never start.</summary>
    [Alias("Cancel"), AlwaysInterleave]
    Task CancelAsync();
    /// <summary>Pauses it: running stages finish, no new ones start until <see cref="ContinueAsync"/>. Again changes nothing.</summary>
    [Alias("Pause"), AlwaysInterleave]
    Task PauseAsync();
    /// <summary>Lets a paused run go on. Again changes nothing.</summary>
    [Alias("Continue"), AlwaysInterleave]
    Task ContinueAsync();
    /// <summary>Lets a run that failed or was cancelled go on: what it has committed stays, and the other stages start anew.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Conflict"/>: it has not ended, or has succeeded.</exception>
    [Alias("Retry"), AlwaysInterleave]
    Task RetryAsync();
    /// <summary>
    /// Removes a run that has ended, with all that is kept of it: its stages, what they logged and printed, its entries in list and index.
    /// Nobody sees it from the moment this is stored; what takes longer than some seconds goes on after the call, also after a crash.
    /// </summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>: there is none, or not any more. <see cref="ErrorCodes.Conflict"/>: it has not ended.</exception>
    [Alias("Remove"), AlwaysInterleave]
    Task RemoveAsync();
    /// <summary>Called by a stage when it changes.</summary>
    [Alias("StageChanged"), AlwaysInterleave]
    Task OnStageChangedAsync(StageView stage);
}

/// <summary>One stage of one run, keyed "run/stage". It persists every transition before it acts on it.</summary>
[Alias("gristmill.IStageGrain")]
public interface IStageGrain : IGrainWithStringKey
{
    /// <summary>Starts the stage and returns once that is durable; the attempt goes on in a worker. Again changes nothing.</summary>
    [Alias("Start")]
    Task StartAsync(StageStart start);
    /// <summary>The stage as it stands, or null if it never started.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<StageView?> GetAsync();
    /// <summary>
    /// The stage as it stands in a retried run: one that ended before that retry without committing, or whose outputs are
    /// lost, is as if it had never started. Again changes nothing.
    /// </summary>
    /// <param name="retry">Counts the run's retries.</param>
    /// <param name="lost">Whether its outputs are lost.</param>
    [Alias("Restore")]
    Task<StageView?> RestoreAsync(int retry, bool lost);
    /// <summary>What the cache did for it, or null if that is not known yet.</summary>
    [Alias("GetCache"), AlwaysInterleave]
    Task<StageCacheRecord?> GetCacheAsync();
    /// <summary>Some of what an attempt has printed or prints, or null if there is no such attempt or it printed nothing.</summary>
    /// <param name="attempt">The attempt; 0: the newest.</param>
    /// <param name="offset">Where to start, in bytes of all that was printed.</param>
    /// <param name="limit">Most bytes of text, at most <see cref="StageLogLimits.MaxPageBytes"/>.</param>
    [Alias("ReadLog"), AlwaysInterleave]
    Task<LogPage?> ReadLogAsync(int attempt, long offset, int limit);
    /// <summary>Forgets the stage, with what its attempts have printed and saved on this host; again changes nothing.</summary>
    [Alias("Remove"), AlwaysInterleave]
    Task RemoveAsync();
    /// <summary>Cancels the running attempt.</summary>
    [Alias("Cancel"), AlwaysInterleave]
    Task CancelAsync();
    /// <summary>A part of a value that the stage returned, as JSON: values too large to travel with their reference are read so.</summary>
    /// <param name="output">The output that holds it.</param>
    /// <param name="offset">Characters to pass over.</param>
    /// <returns>At most 16,384 characters, fewer only at the end; null if there is no such value.</returns>
    [Alias("ReadValue"), AlwaysInterleave]
    Task<string?> ReadValueAsync(string output, int offset);
}

/// <summary>What a run tells a stage to do.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StageStart")]
public sealed record StageStart
{
    /// <summary>The stage's spec.</summary>
    [Id(0)] public required StageSpec Spec { get; init; }
    /// <summary>Options with parameters and upstream values filled in.</summary>
    [Id(1)] public required string Options { get; init; }
    /// <summary>Inputs by name.</summary>
    [Id(2)] public required ImmutableDictionary<string, Artifact> Inputs { get; init; }
    /// <summary>The user's assemblies, if any.</summary>
    [Id(3)] public CodeRef? Code { get; init; }
    /// <summary>W3C traceparent of the run.</summary>
    [Id(4)] public string? TraceParent { get; init; }
    /// <summary>No earlier result is taken over.</summary>
    [Id(5)] public bool NoCache { get; init; }
    /// <summary>How the run ended, for a stage that runs at its exit.</summary>
    [Id(8)] public ExitStatus? Exit { get; init; }
}
