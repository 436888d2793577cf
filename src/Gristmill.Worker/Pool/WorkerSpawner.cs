using System.Collections.Concurrent;

namespace Gristmill.Worker;

/// <summary>
/// Starts processes from one thread that lives as long as the pool. Linux sends the parent-death signal when the starting
/// thread ends, and a thread of the thread pool may end at any time; it also hands its own priority on to its children,
/// which puts workers below the silo without touching the silo's other threads.
/// </summary>
internal sealed class WorkerSpawner : IDisposable
{
    private const int WorkerNice = 5;
    private readonly BlockingCollection<Action> _work = [];

    /// <summary>Starts the thread.</summary>
    public WorkerSpawner()
    {
        var thread = new Thread(Run) { IsBackground = true, Name = "gristmill-spawner" };
        thread.Start();
    }

    /// <summary>Runs a function on the thread.</summary>
    public Task<T> RunAsync<T>(Func<T> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                done.SetResult(function());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    /// <summary>Lets the thread end: workers that still live are killed by the kernel.</summary>
    public void Dispose() => _work.CompleteAdding();

    private void Run()
    {
        LinuxProcess.Nice(WorkerNice);
        foreach (var work in _work.GetConsumingEnumerable())
        {
            work();
        }
    }
}
