namespace Gristmill.Engines.MLNet;

/// <summary>
/// LightGBM keeps its thread count in one variable of the process, reads it anew in every parallel loop, and sizes its
/// buffers by it when a call starts: a count that grows meanwhile makes threads write past them. So work that overlaps
/// shares the count of the first; the count changes only while nothing is in flight.
/// </summary>
internal static class LightGbmThreads
{
    private static readonly Lock Gate = new();
    private static int s_inFlight;
    private static int s_threads;

    /// <summary>Starts work.</summary>
    /// <param name="asked">Threads to use where nothing else is in flight.</param>
    /// <returns>The threads to ask LightGBM for, until disposed.</returns>
    internal static Scope Enter(int asked)
    {
        lock (Gate)
        {
            if (s_inFlight++ == 0)
            {
                s_threads = Math.Max(1, asked);
            }

            return new Scope(s_threads);
        }
    }

    internal readonly record struct Scope(int Threads) : IDisposable
    {
        public void Dispose()
        {
            lock (Gate)
            {
                s_inFlight--;
            }
        }
    }
}
