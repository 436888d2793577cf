using Cronos;

namespace Gristmill.Grains.Triggers;

/// <summary>The times of a trigger.</summary>
internal abstract class TriggerSchedule
{
    /// <summary>Walking through more times than this at once is no work for a grain's turn.</summary>
    private const int MaxWalk = 10_000;

    /// <summary>The schedule of a trigger, or null if it has none.</summary>
    /// <param name="spec">A valid spec.</param>
    /// <param name="created">Where an interval without a start of its own begins.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Cron"/> or <see cref="ErrorCodes.TimeZone"/>.</exception>
    public static TriggerSchedule? Of(TriggerSpec spec, DateTimeOffset created) =>
        spec.Cron is { } cron ? new CronTimes(cron)
        : spec.Interval is { } interval ? new IntervalTimes(interval.Every, interval.From ?? created)
        : null;

    /// <summary>The first time after an instant, or null if there is none any more.</summary>
    public abstract DateTimeOffset? Next(DateTimeOffset after);

    /// <summary>The times in (after, until].</summary>
    /// <param name="after">Not among them.</param>
    /// <param name="until">Among them if it is one.</param>
    /// <param name="keep">How many of the newest are wanted.</param>
    public virtual DueTimes Due(DateTimeOffset after, DateTimeOffset until, int keep)
    {
        if (Walk(after, until, keep) is { } all)
        {
            return all;
        }

        // Too many to walk through: look back from the end, twice as far each time, until enough of the newest are found.
        var (few, many) = (until, after);
        for (var span = TimeSpan.FromMinutes(1); until - span > after; span *= 2)
        {
            var found = Walk(until - span, until, keep);
            if (found is { Count: var count } && count >= keep)
            {
                return found with { Count = MaxWalk, AtLeast = true };
            }

            if (found is null)
            {
                many = until - span;
                break;
            }

            few = until - span;
        }

        while (few - many > TimeSpan.FromSeconds(1))
        {
            var middle = many + ((few - many) / 2);
            var found = Walk(middle, until, keep);
            if (found is { Count: var count } && count >= keep)
            {
                return found with { Count = MaxWalk, AtLeast = true };
            }

            (few, many) = found is null ? (few, middle) : (middle, many);
        }

        return (Walk(few, until, keep) ?? new DueTimes([], 0, false)) with { Count = MaxWalk, AtLeast = true };
    }

    /// <summary>Every time in (after, until], or null if they are too many.</summary>
    private DueTimes? Walk(DateTimeOffset after, DateTimeOffset until, int keep)
    {
        var newest = new Queue<DateTimeOffset>();
        var count = 0;
        for (var time = Next(after); time is { } at && at <= until; time = Next(at))
        {
            if (++count > MaxWalk)
            {
                return null;
            }

            newest.Enqueue(at);
            if (newest.Count > keep)
            {
                newest.Dequeue();
            }
        }

        return new DueTimes([.. newest], count, false);
    }
}

/// <summary>Times that are due.</summary>
/// <param name="Newest">The newest of them, oldest first.</param>
/// <param name="Count">How many there are in all.</param>
/// <param name="AtLeast">Whether there are more than <paramref name="Count"/>.</param>
internal sealed record DueTimes(IReadOnlyList<DateTimeOffset> Newest, long Count, bool AtLeast);

/// <summary>Times by a cron expression in a time zone.</summary>
internal sealed class CronTimes : TriggerSchedule
{
    private readonly CronExpression _expression;
    private readonly TimeZoneInfo _zone;

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Cron"/> or <see cref="ErrorCodes.TimeZone"/>.</exception>
    public CronTimes(CronSchedule cron)
    {
        var fields = (cron.Expression ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (!CronExpression.TryParse(cron.Expression ?? "", fields.Length == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard, out var expression))
        {
            throw new GristmillException(ErrorCodes.Cron, $"'{cron.Expression}' is not a cron expression: {Why(cron.Expression ?? "", fields.Length)}",
                "Write five fields (minute hour day month weekday), six with seconds first, or a macro such as @daily.").With("expression", cron.Expression ?? "");
        }

        _expression = expression;
        _zone = TimeZoneInfo.TryFindSystemTimeZoneById(cron.TimeZone ?? "", out var zone) ? zone : throw new GristmillException(
            ErrorCodes.TimeZone, $"There is no time zone '{cron.TimeZone}'.", "Use an IANA name such as 'Europe/Berlin', or 'UTC'.").With("timeZone", cron.TimeZone ?? "");
    }

    public override DateTimeOffset? Next(DateTimeOffset after) => _expression.GetNextOccurrence(after, _zone);

    private static string Why(string expression, int fields)
    {
        if (!expression.StartsWith('@') && fields is not (5 or 6))
        {
            return $"it has {fields} fields.";
        }

        try
        {
            _ = CronExpression.Parse(expression, fields == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard);
            return "";
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }
}

/// <summary>Times at a fixed distance from an anchor.</summary>
internal sealed class IntervalTimes(TimeSpan every, DateTimeOffset anchor) : TriggerSchedule
{
    public override DateTimeOffset? Next(DateTimeOffset after) => anchor + (every * (Index(after) + 1));

    public override DueTimes Due(DateTimeOffset after, DateTimeOffset until, int keep)
    {
        var (first, last) = (Index(after) + 1, Index(until));
        var count = Math.Max(0, last - first + 1);
        var newest = new List<DateTimeOffset>();
        for (var i = Math.Max(first, last - keep + 1); i <= last; i++)
        {
            newest.Add(anchor + (every * i));
        }

        return new DueTimes(newest, count, false);
    }

    /// <summary>Number of the newest time that is not after an instant; the anchor is 0.</summary>
    private long Index(DateTimeOffset at) => (long)Math.Floor((decimal)(at - anchor).Ticks / every.Ticks);
}
