using Gristmill.Objects;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Worker;

/// <summary>
/// Runs attempts in worker processes, kept warm: a native crash, a leak or an attempt that cannot be stopped costs a worker,
/// never the silo. Workers share memory through the object store; only references cross their sockets.
/// </summary>
public sealed class WorkerStageExecutor : IStageExecutor, IAsyncDisposable
{
    // A light attempt has no effects, so one whose worker was killed beside it is sent once more.
    private const int LightTries = 3;

    private readonly WorkerPool _pool;
    private readonly TimeProvider _time;
    private readonly StageFiles? _files;

    /// <summary>Opens the pool; workers start with the first attempts, or with <see cref="WarmUpAsync"/>.</summary>
    /// <param name="objects">The host's objects; workers open the same folder.</param>
    /// <param name="content">Model packages and user assemblies; workers open the same folder.</param>
    /// <param name="options">Sizes and limits.</param>
    /// <param name="time">Clock of limits and idle time; null: the system's.</param>
    /// <param name="logger">Takes starts, ends and kills; null: nobody.</param>
    /// <param name="tracking">Keeps what attempts log; null: nobody, and they may log all the same.</param>
    /// <param name="files">Takes what attempts print, and checkpoints; null: nothing does.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, naming each option that is out of range.</exception>
    public WorkerStageExecutor(ObjectStore objects, ContentStore content, WorkerPoolOptions options, TimeProvider? time = null, ILogger<WorkerStageExecutor>? logger = null,
        ITrackingStore? tracking = null, StageFiles? files = null)
    {
        ArgumentNullException.ThrowIfNull(objects);
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(options);
        _time = time ?? TimeProvider.System;
        _files = files;
        _pool = new WorkerPool(objects, content, tracking, options, files, _time, (ILogger?)logger ?? NullLogger.Instance);
    }

    /// <inheritdoc/>
    public bool IsFaithful => true;

    /// <summary>The worker processes that are up now.</summary>
    public IReadOnlyList<WorkerInfo> Workers => _pool.Describe();

    /// <summary>Starts workers ahead of the first attempts.</summary>
    /// <param name="count">How many there shall be; at most the slots.</param>
    /// <param name="cancellationToken">Ends the waiting, not the workers.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.WorkerCrashed"/>: a worker ended before it was ready; its log is in the details.</exception>
    public Task WarmUpAsync(int count = 1, CancellationToken cancellationToken = default) => _pool.WarmUpAsync(count, cancellationToken);

    /// <inheritdoc/>
    public Task<StageResult> ExecuteAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return cancellationToken.IsCancellationRequested ? Task.FromCanceled<StageResult>(cancellationToken)
            : StageHost.IsLight(request.Operation) ? ExecuteLightAsync(request, cancellationToken)
            : ExecuteHeavyAsync(request, progress, cancellationToken);
    }

    /// <inheritdoc/>
    public void Prepare() => _pool.Prepare();

    /// <summary>Ends all workers, and waits until they are gone. Attempts that still run fail.</summary>
    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private async Task<StageResult> ExecuteLightAsync(StageRequest request, CancellationToken cancellationToken)
    {
        for (var left = LightTries; ; left--)
        {
            try
            {
                return await _pool.Share().RunAsync(request, null, cancellationToken).ConfigureAwait(false);
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.WorkerCrashed && left > 1)
            {
                // Sent again below.
            }
        }
    }

    private async Task<StageResult> ExecuteHeavyAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        var (worker, budgeted) = await _pool.AcquireAsync(request, cancellationToken).ConfigureAwait(false);
        try
        {
            // The time limit is the attempt's: waiting for a worker does not count.
            using var deadline = new AttemptDeadline(request, _time, cancellationToken);
            try
            {
                return await worker.RunAsync(budgeted, new BeatingProgress(progress, deadline), deadline.Token, deadline.Beat, _files?.Open(request)).ConfigureAwait(false);
            }
            catch (OperationCanceledException e) when (deadline.Token.IsCancellationRequested)
            {
                throw deadline.Explain(request, e);
            }
        }
        finally
        {
            _pool.Release(worker);
        }
    }
}
