namespace Gristmill.Engines.Core;

/// <summary>Turns a share of rows, told from many threads, into at most a hundred rising reports.</summary>
internal sealed class ShareReporter(StageContext context, string message, double from = 0, double to = 1)
{
    private int _reported = -1;

    public void Report(double share)
    {
        var percent = (int)(100 * (from + ((to - from) * share)));
        for (var seen = Volatile.Read(ref _reported); percent > seen;)
        {
            var before = Interlocked.CompareExchange(ref _reported, percent, seen);
            if (before == seen)
            {
                context.Report(percent / 100.0, message);
                return;
            }

            seen = before;
        }
    }
}
