namespace Gristmill.Objects.Writing;

/// <summary>Copies a large buffer piece by piece on threads that have nothing else to do, while the caller hashes it: one core does not fill a machine's memory bus.</summary>
internal static class ParallelCopy
{
    private const int MostThreads = 4;

    /// <summary>Writes one piece, given where it starts.</summary>
    public delegate void PieceWriter(ReadOnlySpan<byte> piece, int at);

    /// <summary>Reads a range that the writers may be reading, too.</summary>
    public delegate void Reader(ReadOnlySpan<byte> bytes);

    /// <summary>Returns when all is written and read. The caller writes, too, when it has read all, so that it never waits for a thread that has not come.</summary>
    public static void Run(ReadOnlyMemory<byte> source, int pieceBytes, PieceWriter write, Reader read)
    {
        var copy = new Copy(source, pieceBytes, write);
        for (int i = 1; i < Math.Min(MostThreads, Environment.ProcessorCount); i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(copy, preferLocal: false);
        }

        try
        {
            read(source.Span);
        }
        finally
        {
            copy.Execute();
            copy.Wait(); // until nobody reads what is the caller's
        }
    }

    private sealed class Copy(ReadOnlyMemory<byte> source, int pieceBytes, PieceWriter write) : IThreadPoolWorkItem
    {
        private readonly int _pieces = (source.Length + pieceBytes - 1) / pieceBytes;
        private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Exception? _failure;
        private int _taken;
        private int _done;

        public void Execute()
        {
            for (int piece; (piece = Interlocked.Increment(ref _taken) - 1) < _pieces;)
            {
                try
                {
                    int at = piece * pieceBytes;
                    write(source.Span.Slice(at, Math.Min(pieceBytes, source.Length - at)), at);
                }
                catch (Exception e)
                {
                    _failure = e;
                }

                if (Interlocked.Increment(ref _done) == _pieces)
                {
                    _all.SetResult();
                }
            }
        }

        public void Wait()
        {
            _all.Task.Wait();
            if (_failure is not null)
            {
                throw new IOException(_failure.Message, _failure);
            }
        }
    }
}
