using System.Collections.Concurrent;

namespace Gristmill.Worker.Tests;

/// <summary>Collects progress and lets a test wait for the first report.</summary>
public sealed class Reports : IProgress<StageProgress>
{
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConcurrentQueue<StageProgress> All { get; } = new();

    public Task First => _first.Task.WaitAsync(TimeSpan.FromSeconds(20));

    public void Report(StageProgress value)
    {
        All.Enqueue(value);
        _first.TrySetResult();
    }
}
