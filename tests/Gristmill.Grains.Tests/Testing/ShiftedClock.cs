namespace Gristmill.Grains.Testing;

/// <summary>The system's clock, put forward by a test; timers run as ever.</summary>
internal sealed class ShiftedClock : TimeProvider
{
    private long _shift;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _shift));

    public void Forward(TimeSpan by) => Interlocked.Add(ref _shift, by.Ticks);
}
