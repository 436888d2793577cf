namespace Gristmill.Grains.Clocks;

/// <summary>Times that are stored, by clocks that may be put back, or that differ between silos.</summary>
internal static class ClockExtensions
{
    /// <summary>Now, but never before what came earlier: nothing ends before it began.</summary>
    /// <param name="time">The silo's clock.</param>
    /// <param name="earlier">What came before; null: nothing.</param>
    public static DateTimeOffset GetUtcNow(this TimeProvider time, DateTimeOffset? earlier) =>
        time.GetUtcNow() is var now && now < earlier ? earlier.Value : now;
}
