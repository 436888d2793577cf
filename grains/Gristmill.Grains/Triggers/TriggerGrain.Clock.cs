using Orleans.Storage;

namespace Gristmill.Grains.Triggers;

// When to look, and what a schedule has due.
internal sealed partial class TriggerGrain
{
    /// <summary>
    /// What comes sooner is waited for by a timer of this activation, with the reminder as the safety net; what comes later
    /// by the reminder alone, so that an idle trigger takes no activation.
    /// </summary>
    private static readonly TimeSpan Near = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestReminder = TimeSpan.FromDays(30);
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(1);

    private IGrainTimer? _timer;

    /// <summary>Whether the reminder is known to come every minute.</summary>
    private bool _ticking;
    private bool _armed;

    /// <summary>Whether the schedule cannot be read any more, such as where a host lost its time zones.</summary>
    private bool _broken;

    /// <summary>Does what is due: firings that broke off, times that have come, files and objects that have arrived.</summary>
    private Task TickAsync() => TickAsync(done: false);

    private async Task TickAsync(bool done)
    {
        if (State.Removed)
        {
            await RemoveAnyAsync();
            return;
        }

        if (!State.Exists)
        {
            // The guard of a trigger that was refused, or whose silo died before it was stored.
            await DisarmAsync();
            return;
        }

        try
        {
            if (!State.Paused)
            {
                await FireScheduleAsync();
                await FireFilesAsync();
                await FireObjectAsync();
            }

            await PumpAsync();
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            LogNotTicked(Name, e);
        }

        await ArmAsync(done);
    }

    private async Task FireScheduleAsync()
    {
        var now = time.GetUtcNow();
        if (_schedule is null || FiringPlan.Of(_schedule, State.Watermark, now, Spec.CatchUp, Spec.CatchUpLimit) is not { } plan)
        {
            return;
        }

        var missed = plan.Missed > 0 ? plan.MissedText : null;
        var firings = plan.Fire.Select(at => New($"time:{Text(at)}", at, now, Values(at))).ToList();
        if (missed is not null && Spec.CatchUp == CatchUpPolicy.Once)
        {
            firings[0] = firings[0] with { Reason = $"also for {missed} before it that passed while nothing could fire" };
        }
        else if (missed is not null)
        {
            var last = plan.Fire.Count > 0 ? plan.Fire[0] : plan.Watermark;
            firings.Insert(0, new TriggerFiring
            {
                Number = 0,
                Id = $"missed:{Text(last)}",
                Scheduled = last,
                Fired = now,
                Outcome = FiringOutcome.Skipped,
                Reason = $"{missed} passed while nothing could fire",
            });
        }

        await AddAsync(firings, state => state with { Watermark = plan.Watermark });
    }

    /// <summary>Sees to it that this trigger is called again when there is something to do.</summary>
    /// <param name="done">Whether to take the reminder back at once where there is nothing to wait for: else its next tick does, as the next event may be near.</param>
    private async Task ArmAsync(bool done = false)
    {
        _timer?.Dispose();
        _timer = null;
        if (!State.Exists)
        {
            return;
        }

        var now = time.GetUtcNow();
        if (NextLook(now) is not { } next)
        {
            if (done)
            {
                await DisarmAsync();
            }

            return;
        }

        var wait = next - now > Least ? next - now : Least;
        if (wait <= Near)
        {
            _timer = this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(wait, Timeout.InfiniteTimeSpan) { KeepAlive = true });
            if (!_ticking)
            {
                await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
                _ticking = true;
            }
        }
        else
        {
            await this.RegisterOrUpdateReminder(ReminderName, wait < LongestReminder ? wait : LongestReminder, ReminderPeriod);
            _ticking = false;
        }

        _armed = true;
    }

    private DateTimeOffset? NextLook(DateTimeOffset now)
    {
        var waits = State.Recent.Any(static firing => firing.Outcome == FiringOutcome.Waiting);
        DateTimeOffset? next = waits ? now + Again : null;
        if (!State.Paused)
        {
            next = Sooner(next, _broken ? now + ReminderPeriod : _schedule?.Next(State.Watermark));
            next = Sooner(next, Spec.File is { } file ? now + file.Poll : null);
            next = Sooner(next, Spec.Object is { } item && HasRoom ? NextObjectLook(item, now) : null);
        }

        return next;
    }

    /// <summary>A reminder before anything is stored: without a trigger it removes itself, a trigger without one could be forgotten.</summary>
    private async Task GuardAsync()
    {
        if (!_ticking)
        {
            await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
            _ticking = true;
            _armed = true;
        }
    }

    private async Task DisarmAsync()
    {
        _timer?.Dispose();
        _timer = null;
        if ((_armed || !State.Exists || _ticking) && await this.GetReminder(ReminderName) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }

        (_ticking, _armed) = (false, false);
    }

    private static DateTimeOffset? Sooner(DateTimeOffset? a, DateTimeOffset? b) => a is null ? b : b is null ? a : a < b ? a : b;
}
