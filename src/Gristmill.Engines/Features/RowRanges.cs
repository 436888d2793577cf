using System.Runtime.ExceptionServices;

namespace Gristmill.Engines.Features;

/// <summary>A range of rows of one batch of a table.</summary>
internal readonly record struct RowRange(int Batch, int Start, int Count, long RowInTable);

/// <summary>Splits tables into ranges of rows and works on them side by side.</summary>
internal static class RowRanges
{
    /// <summary>Rows of a range: enough to make hand-over cheap, few enough to report progress and stop soon.</summary>
    public const int Rows = 32 * 1024;

    public static List<RowRange> Split(IReadOnlyList<int> batchLengths, int rows)
    {
        var ranges = new List<RowRange>();
        long rowBase = 0;
        for (var b = 0; b < batchLengths.Count; b++)
        {
            for (var start = 0; start < batchLengths[b]; start += rows)
            {
                ranges.Add(new RowRange(b, start, Math.Min(rows, batchLengths[b] - start), rowBase + start));
            }

            rowBase += batchLengths[b];
        }

        return ranges;
    }

    public static void ForEach(List<RowRange> ranges, int threads, Action<RowRange> work, CancellationToken cancellationToken) =>
        ForEach(ranges.Count, threads, i => work(ranges[i]), cancellationToken);

    /// <summary>Runs work on 0 .. count - 1 on at most so many threads; the error of the lowest failing number wins, so that messages do not depend on timing.</summary>
    public static void ForEach(int count, int threads, Action<int> work, CancellationToken cancellationToken)
    {
        if (threads <= 1 || count <= 1)
        {
            for (var i = 0; i < count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                work(i);
            }

            return;
        }

        var gate = new Lock();
        var failedAt = int.MaxValue;
        ExceptionDispatchInfo? failure = null;
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken }, i =>
        {
            if (i > Volatile.Read(ref failedAt))
            {
                return;
            }

            try
            {
                work(i);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                lock (gate)
                {
                    if (i < failedAt)
                    {
                        failedAt = i;
                        failure = ExceptionDispatchInfo.Capture(e);
                    }
                }
            }
        });
        failure?.Throw();
    }
}
