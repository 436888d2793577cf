namespace Gristmill.Engines;

/// <summary>An attempt's share of the processors, which its executor changes as others start and end.</summary>
/// <param name="threads">Threads at the start.</param>
public sealed class ThreadShare(int threads)
{
    private volatile int _threads = Math.Max(1, threads);

    /// <summary>Threads the attempt may use now; at least 1.</summary>
    public int Threads
    {
        get => _threads;
        set => _threads = Math.Max(1, value);
    }
}
