using System.Runtime.ExceptionServices;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Execution;

/// <summary>One execution of a flow: its threads, its memory, and what is freed at its end. The first failure ends all of it.</summary>
internal sealed class FlowRun : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _end;
    private readonly List<Task> _threads = [];
    private readonly Stack<IDisposable> _owned = new();
    private readonly List<Action> _closing = [];
    private readonly Lock _gate = new();
    private ExceptionDispatchInfo? _failure;
    private bool _disposed;

    public FlowRun(FlowOptions options, MemoryShares shares, CancellationToken cancellationToken)
    {
        (Options, Shares, _caller) = (options, shares, cancellationToken);
        Memory = new FlowMemory(shares.Blocks);
        _end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Progress = new ProgressReporter(options, Memory);
        _end.Token.Register(Close);
    }

    public FlowOptions Options { get; }

    public MemoryShares Shares { get; }

    public FlowMemory Memory { get; }

    public ProgressReporter Progress { get; }

    /// <summary>Cancelled by the caller, by a failure, or at the end.</summary>
    public CancellationToken Token => _end.Token;

    /// <summary>Runs work beside. Its failure is the run's.</summary>
    public Task Start(Action work)
    {
        // It may wait for others for long, so it is no work for the pool.
        var thread = Task.Factory.StartNew(() =>
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                Fail(e);
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        lock (_gate)
        {
            _threads.Add(thread);
        }

        return thread;
    }

    /// <summary>Disposes something at the end, the last first, once all threads have stopped.</summary>
    public T Own<T>(T owned)
        where T : IDisposable
    {
        lock (_gate)
        {
            _owned.Push(owned);
        }

        return owned;
    }

    /// <summary>Calls something as soon as the run ends, while threads may still wait.</summary>
    public void OnEnd(Action close)
    {
        lock (_gate)
        {
            _closing.Add(close);
        }

        if (_end.IsCancellationRequested)
        {
            close();
        }
    }

    /// <summary>Ends the run with a failure, if it is the first.</summary>
    public void Fail(Exception exception)
    {
        lock (_gate)
        {
            if (exception is not FlowEndedException && !_caller.IsCancellationRequested)
            {
                _failure ??= ExceptionDispatchInfo.Capture(exception);
            }
        }

        if (!_disposed)
        {
            _end.Cancel();
        }
    }

    /// <summary>Throws what the run has failed with.</summary>
    /// <exception cref="OperationCanceledException">The caller has cancelled it.</exception>
    public void ThrowIfFailed()
    {
        _caller.ThrowIfCancellationRequested();
        lock (_gate)
        {
            _failure?.Throw();
        }
    }

    /// <summary>Does work on this thread as part of the run: what it fails with is what the run failed with first.</summary>
    public T Do<T>(Func<T> work)
    {
        try
        {
            var result = work();
            ThrowIfFailed();
            return result;
        }
        catch (Exception e)
        {
            Fail(e);
            ThrowIfFailed();
            throw;
        }
    }

    /// <summary>Hands each block of a step to a function, in order, to the end; it is given back when the function returns.</summary>
    public void Drain(Stage stage, Action<Block> action)
    {
        while (stage.Take(out _) is { } block)
        {
            try
            {
                action(block);
            }
            finally
            {
                block.Release();
            }

            Progress.Advance(block.Rows);
        }

        ThrowIfFailed();
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _end.Cancel();
        Task[] threads;
        lock (_gate)
        {
            threads = [.. _threads];
        }

        Task.WaitAll(threads);
        _disposed = true;
        while (_owned.TryPop(out var owned))
        {
            owned.Dispose();
        }

        Progress.Dispose();
        Memory.Dispose();
        _end.Dispose();
    }

    private void Close()
    {
        Action[] closing;
        lock (_gate)
        {
            closing = [.. _closing];
        }

        foreach (var close in closing)
        {
            close();
        }
    }
}
