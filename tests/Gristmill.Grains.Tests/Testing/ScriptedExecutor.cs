using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Gristmill.Grains.Testing;

/// <summary>
/// An executor whose stages do what a test says: by default they succeed at once with a metric "n" of 1. Shared by the
/// silos of a cluster, so that it sees every attempt.
/// </summary>
internal sealed class ScriptedExecutor : IStageExecutor
{
    private readonly ConcurrentDictionary<string, Func<StageRequest, IProgress<StageProgress>?, CancellationToken, Task<StageResult>>> _scripts = new();

    /// <summary>Whether results may be taken over, as those of a real executor.</summary>
    public bool IsFaithful { get; set; } = true;

    /// <summary>Every attempt, in the order of their arrival.</summary>
    public ConcurrentQueue<StageRequest> Attempts { get; } = new();

    /// <summary>What stages do that have no script.</summary>
    public Func<StageRequest, StageResult> Default { get; set; } = static _ => Done();

    public static StageResult Done(params (string Name, double Value)[] metrics) => new()
    {
        Outputs = ImmutableDictionary<string, Artifact>.Empty
            .Add("out", Artifact.Of(new ObjectRef(Guid.NewGuid().ToString("N"), "0123456789abcdef", 10, 100, "host")))
            .Add("metrics", Artifact.Of(metrics.Append(("n", 1)).ToImmutableDictionary(static m => m.Item1, static m => m.Item2))),
        Usage = new StageUsage { WallMs = 1, Rows = 10 },
    };

    public void On(string stage, Func<StageRequest, IProgress<StageProgress>?, CancellationToken, Task<StageResult>> script) => _scripts[stage] = script;

    public void On(string stage, Func<StageRequest, StageResult> script) => On(stage, (request, _, _) => Task.FromResult(script(request)));

    /// <summary>Holds a stage until released; tells when it has started.</summary>
    public Gate Hold(string stage)
    {
        var gate = new Gate();
        On(stage, async (_, _, cancellation) =>
        {
            gate.Started.TrySetResult();
            await gate.Released.Task.WaitAsync(cancellation);
            return Done();
        });
        return gate;
    }

    /// <summary>Forgets scripts and attempts: for the next test.</summary>
    public void Reset()
    {
        IsFaithful = true;
        _scripts.Clear();
        Default = static _ => Done();
        Attempts.Clear();
    }

    public int Count(string stage) => Attempts.Count(attempt => attempt.Stage == stage);

    public Task<StageResult> ExecuteAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        Attempts.Enqueue(request);
        return _scripts.TryGetValue(request.Stage, out var script) ? script(request, progress, cancellationToken) : Task.FromResult(Default(request));
    }

    internal sealed class Gate
    {
        public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
