namespace Gristmill.Worker.Tests;

/// <summary>An executor over stores of its own, for all tests of a class.</summary>
public abstract class ExecutorFixture : IAsyncLifetime
{
    public Mill Mill { get; } = new();

    public RecordingStore Tracking { get; } = new();

    public IStageExecutor Executor { get; private set; } = null!;

    public ValueTask InitializeAsync()
    {
        Executor = Create();
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        if (Executor is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }

        Mill.Dispose();
        GC.SuppressFinalize(this);
    }

    protected abstract IStageExecutor Create();
}
