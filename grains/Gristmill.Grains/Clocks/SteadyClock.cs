namespace Gristmill.Grains.Clocks;

/// <summary>A clock that is never put back: where the one behind it is, it goes on from what it told last, until the other has caught up.</summary>
internal sealed class SteadyClock(TimeProvider clock) : TimeProvider
{
    private readonly Lock _gate = new();
    private DateTimeOffset _last = DateTimeOffset.MinValue;
    private long _stamp = clock.GetTimestamp();

    public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            var (now, stamp) = (clock.GetUtcNow(), clock.GetTimestamp());
            if (_last > DateTimeOffset.MinValue && _last + clock.GetElapsedTime(_stamp, stamp) is var steady && steady > now)
            {
                now = steady;
            }

            (_last, _stamp) = (now, stamp);
            return now;
        }
    }

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => clock.CreateTimer(callback, state, dueTime, period);
}
