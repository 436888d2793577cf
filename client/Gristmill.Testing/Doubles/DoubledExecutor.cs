using System.Collections.Concurrent;
using System.Collections.Immutable;
using Gristmill.Engines;
using Gristmill.Objects;
using Gristmill.Worker;

namespace Gristmill.Testing;

/// <summary>The executor of a test cluster: stages run in this process, except those that the test has doubled.</summary>
internal sealed class DoubledExecutor(IStageExecutor real, ObjectStore objects, ContentStore content, ModelLoader models, TimeProvider time, StageDoubles doubles, TestClusterOptions options)
    : IStageExecutor
{
    private int _active;
    private long _activity;

    /// <summary>Attempts that run now.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>Counts up with each attempt that begins or ends.</summary>
    public long Activity => Interlocked.Read(ref _activity);

    /// <summary>Every attempt, in the order of their beginning.</summary>
    public ConcurrentQueue<TestAttempt> Attempts { get; } = new();

    public async Task<StageResult> ExecuteAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        Interlocked.Increment(ref _active);
        Interlocked.Increment(ref _activity);
        var mine = doubles.Of(request);
        Attempts.Enqueue(new TestAttempt(request.RunId, request.Stage, request.Attempt, request.Operation, mine.Count > 0));
        try
        {
            return mine.Count == 0
                ? await real.ExecuteAsync(request, progress, cancellationToken).ConfigureAwait(false)
                : await DoubleAsync(mine, request, progress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Increment(ref _activity);
            Interlocked.Decrement(ref _active);
        }
    }

    private async Task<StageResult> DoubleAsync(IReadOnlyList<StageDouble> mine, StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        // The limits hold for doubles too: a held stage times out as a slow one would.
        using var deadline = new AttemptDeadline(request, time, cancellationToken);
        try
        {
            foreach (var hold in mine.Select(d => d.Hold).OfType<HeldStage>())
            {
                await hold.PassAsync(deadline.Token).ConfigureAwait(false);
            }

            if (mine.FirstOrDefault(d => request.Attempt <= d.Failing) is { } failing)
            {
                throw failing.Error!(request);
            }

            if (mine.LastOrDefault(d => d.Run is not null) is not { } replaced)
            {
                return await real.ExecuteAsync(request, progress, cancellationToken).ConfigureAwait(false);
            }

            var context = new StageContext
            {
                Request = request,
                Objects = objects,
                Content = content,
                Models = models,
                Progress = progress,
                Threads = options.Threads,
                BaseDirectory = options.BaseDirectory,
            };
            using var owning = ObjectOwner.Use(ObjectOwner.OfStage(request.RunId, request.Stage));
            var outputs = await Task.Run(() => replaced.Run!(context, deadline.Token), deadline.Token).WaitAsync(deadline.Token).ConfigureAwait(false);
            return new StageResult
            {
                Outputs = outputs.Artifacts.ToImmutableDictionary(StringComparer.Ordinal),
                Usage = new StageUsage
                {
                    Rows = outputs.Artifacts.Values.Sum(o => o.Dataset?.Rows ?? 0),
                    BytesOut = outputs.Artifacts.Values.Sum(o => (o.Dataset?.Bytes ?? 0) + (o.Model?.Bytes ?? 0)),
                },
            };
        }
        catch (OperationCanceledException e) when (deadline.Token.IsCancellationRequested)
        {
            throw deadline.Explain(request, e);
        }
        catch (Exception e)
        {
            throw StageErrors.Describe(e, request);
        }
    }
}
