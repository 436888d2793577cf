namespace Gristmill.Grains.Triggers;

/// <summary>Which of the times that have passed are fired.</summary>
/// <param name="Fire">Oldest first.</param>
/// <param name="Missed">How many are not.</param>
/// <param name="AtLeast">Whether more than <paramref name="Missed"/> are not.</param>
/// <param name="Watermark">The newest time that is decided by this: nothing up to it is ever looked at again.</param>
internal sealed record FiringPlan(IReadOnlyList<DateTimeOffset> Fire, long Missed, bool AtLeast, DateTimeOffset Watermark)
{
    /// <summary>How late a time may be fired without being one that was missed.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(1);

    /// <summary>Decides about the times after the watermark. A clock that went back finds none, as the watermark does not.</summary>
    /// <returns>The plan, or null if no time has come.</returns>
    public static FiringPlan? Of(TriggerSchedule schedule, DateTimeOffset watermark, DateTimeOffset now, CatchUpPolicy policy, int limit)
    {
        var due = schedule.Due(watermark, now, policy == CatchUpPolicy.All ? limit : 1);
        if (due.Newest.Count == 0)
        {
            return null;
        }

        var newest = due.Newest[^1];
        var fire = policy == CatchUpPolicy.Skip && now - newest > Grace ? [] : due.Newest;
        return new FiringPlan(fire, due.Count - fire.Count, due.AtLeast, newest);
    }

    /// <summary>The missed times in words.</summary>
    public string MissedText => $"{(AtLeast ? "more than " : "")}{Missed} time{(Missed == 1 ? "" : "s")}";
}
