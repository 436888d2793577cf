namespace Gristmill.Engines.Core;

/// <summary>Turns a share of rows, told from many threads, into at most a hundred rising reports.</summary>
internal sealed class ShareReporter(StageContext context, string message, double from = 0, double to = 1)
{
    private readonly Lock _gate = new();
    private int _reported = -1;

    public void Report(double share)
    {
        var percent = (int)(100 * (from + ((to - from) * share)));
        if (percent <= Volatile.Read(ref _reported))
        {
            return;
        }

        // Under the lock, so that a thread held up between the look and the report cannot tell an older share after a newer one.
        lock (_gate)
        {
            if (percent > _reported)
            {
                _reported = percent;
                context.Report(percent / 100.0, message);
            }
        }
    }
}
