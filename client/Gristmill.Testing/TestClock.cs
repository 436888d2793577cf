using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Testing;

/// <summary>
/// The clock of a <see cref="TestCluster"/>. It stands still until a test puts it forward, or until a run is waited for that itself
/// waits for a timer. Back-off, timeouts and triggers go by it.
/// </summary>
public sealed class TestClock : FakeTimeProvider
{
    // A stage reads the time now and then; who reads it so often on one thread while it stands waits for it in a loop.
    private const int ReadsOfALoop = 20_000;

    /// <summary>About as long as a timer can be: what is to fire no sooner is a time-out that never comes, not something to wait for.</summary>
    internal static readonly TimeSpan Never = TimeSpan.FromDays(45);

    [ThreadStatic]
    private static int t_reads;
    [ThreadStatic]
    private static DateTimeOffset t_lastRead;

    [ThreadStatic]
    private static TimerOwner t_owner;

    private static readonly GrainType s_trigger = GrainType.Create("gristmill.trigger");

    private readonly Lock _gate = new();
    private readonly Dictionary<TrackedTimer, DateTimeOffset> _due = [];

    /// <summary>Creates a clock.</summary>
    /// <param name="start">What it shows at first.</param>
    public TestClock(DateTimeOffset start) : base(start)
    {
    }

    /// <summary>
    /// When the next timer fires that a run may wait for: one of a grain, or, where there is none, any that fires once. Periodic ones are
    /// housekeeping, and no run waits for a trigger. Null if there is none.
    /// </summary>
    public DateTimeOffset? NextTimer => Next(static owner => owner == TimerOwner.Grain) ?? Next(static owner => owner == TimerOwner.Nobody);

    /// <summary>Whether a grain has set a timer that a run may wait for: a retry's back-off.</summary>
    internal bool HasRunTimer => Next(static owner => owner == TimerOwner.Grain) is not null;

    /// <summary>When the next timer of a grain fires, of a trigger or another.</summary>
    internal DateTimeOffset? NextGrainTimer => Next(static owner => owner != TimerOwner.Nobody);

    private enum TimerOwner
    {
        Nobody,
        Grain,
        Trigger,
    }

    /// <inheritdoc/>
    /// <remarks>The runtime may wait for less than a millisecond by asking again and again: then a millisecond passes.</remarks>
    public override DateTimeOffset GetUtcNow()
    {
        var now = base.GetUtcNow();
        if (now != t_lastRead)
        {
            (t_lastRead, t_reads) = (now, 0);
        }
        else if (++t_reads > ReadsOfALoop)
        {
            t_reads = 0;
            Advance(TimeSpan.FromMilliseconds(1));
            now = base.GetUtcNow();
        }

        return now;
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var tracked = new TrackedTimer(this, callback, state);
        tracked.Start(dueTime, period);
        return tracked;
    }

    /// <summary>Timers that this thread creates belong to a grain, until the result is disposed of.</summary>
    internal static Ownership Owned(GrainType grain)
    {
        t_owner = grain == s_trigger ? TimerOwner.Trigger : TimerOwner.Grain;
        return default;
    }

    /// <summary>Puts the clock forward to the next timer, which fires.</summary>
    /// <returns>False: no timer is set, and nothing was done.</returns>
    public bool AdvanceToNextTimer()
    {
        if (NextTimer is not { } next)
        {
            return false;
        }

        var by = next - GetUtcNow();
        Advance(by > TimeSpan.Zero ? by : TimeSpan.Zero);
        return true;
    }

    private DateTimeOffset? Next(Func<TimerOwner, bool> of)
    {
        lock (_gate)
        {
            var due = _due.Where(timer => of(timer.Key.Owner)).Select(timer => timer.Value);
            return due.Any() ? due.Min() : null;
        }
    }

    private void Note(TrackedTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_gate)
        {
            if (dueTime == Timeout.InfiniteTimeSpan || dueTime >= Never || (period != Timeout.InfiniteTimeSpan && period != TimeSpan.Zero))
            {
                _due.Remove(timer);
            }
            else
            {
                _due[timer] = GetUtcNow() + dueTime;
            }
        }
    }

    private void Forget(TrackedTimer timer)
    {
        lock (_gate)
        {
            _due.Remove(timer);
        }
    }

    private ITimer CreateInner(TimerCallback callback) => base.CreateTimer(callback, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    internal readonly struct Ownership : IDisposable
    {
        public void Dispose() => t_owner = TimerOwner.Nobody;
    }

    private sealed class TrackedTimer : ITimer
    {
        private readonly TestClock _clock;
        private readonly ITimer _inner;

        public TrackedTimer(TestClock clock, TimerCallback callback, object? state)
        {
            _clock = clock;
            _inner = clock.CreateInner(_ =>
            {
                // First: the callback may set it again.
                clock.Forget(this);
                callback(state);
            });
        }

        public TimerOwner Owner { get; } = t_owner;

        public void Start(TimeSpan dueTime, TimeSpan period) => Change(dueTime, period);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _clock.Note(this, dueTime, period);
            if (_inner.Change(dueTime, period))
            {
                return true;
            }

            // It was disposed of, and will never fire.
            _clock.Forget(this);
            return false;
        }

        public void Dispose()
        {
            _clock.Forget(this);
            _inner.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            _clock.Forget(this);
            return _inner.DisposeAsync();
        }
    }
}
