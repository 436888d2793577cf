namespace Gristmill.Testing;

/// <summary>A stage whose attempts wait until the test lets them go; from <see cref="TestCluster.Hold"/>.</summary>
public sealed class HeldStage
{
    private readonly Lock _gate = new();
    private readonly List<TaskCompletionSource> _reached = [];
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _attempts;

    internal HeldStage()
    {
    }

    /// <summary>Completes when an attempt of the stage has begun.</summary>
    public Task Reached => ReachedAsync(1);

    /// <summary>Completes when so many attempts have begun, of any run; each one's time limit counts from then.</summary>
    /// <param name="attempts">How many, from 1.</param>
    public Task ReachedAsync(int attempts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(attempts, 1);
        lock (_gate)
        {
            return At(attempts).Task;
        }
    }

    /// <summary>Lets it go on, and every later attempt too.</summary>
    public void Release() => _released.TrySetResult();

    internal Task PassAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            At(++_attempts).TrySetResult();
        }

        return _released.Task.WaitAsync(cancellationToken);
    }

    private TaskCompletionSource At(int attempt)
    {
        while (_reached.Count < attempt)
        {
            _reached.Add(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        return _reached[attempt - 1];
    }
}
