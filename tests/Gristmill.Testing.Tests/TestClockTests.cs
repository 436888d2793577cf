namespace Gristmill.Testing;

public sealed class TestClockTests
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task It_goes_to_the_next_timer_and_fires_it()
    {
        var clock = new TestClock(s_start);
        var later = Task.Delay(TimeSpan.FromDays(1), clock);
        var sooner = Task.Delay(TimeSpan.FromHours(1), clock);

        Assert.Equal(s_start.AddHours(1), clock.NextTimer);
        Assert.True(clock.AdvanceToNextTimer());
        await sooner;
        Assert.False(later.IsCompleted);
        Assert.True(clock.AdvanceToNextTimer());
        await later;
        Assert.Equal(s_start.AddDays(1), clock.GetUtcNow());
        Assert.False(clock.AdvanceToNextTimer());
    }

    [Fact]
    public void Periodic_and_disposed_timers_are_nothing_to_wait_for()
    {
        var clock = new TestClock(s_start);
        var fired = 0;
        using var periodic = clock.CreateTimer(_ => fired++, null, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
        var once = clock.CreateTimer(_ => fired++, null, TimeSpan.FromMinutes(1), Timeout.InfiniteTimeSpan);
        Assert.NotNull(clock.NextTimer);
        once.Dispose();
        Assert.Null(clock.NextTimer);

        clock.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal(3, fired);
    }

    [Fact]
    public void A_time_out_that_never_comes_is_nothing_to_wait_for()
    {
        var clock = new TestClock(s_start);
        using var timeout = new CancellationTokenSource(TestClock.Never, clock);
        Assert.Null(clock.NextTimer);
        Assert.False(clock.AdvanceToNextTimer());

        clock.Advance(TestClock.Never);
        Assert.True(timeout.IsCancellationRequested);
    }

    [Fact]
    public void A_timer_may_set_itself_again()
    {
        var clock = new TestClock(s_start);
        var fired = 0;
        ITimer? timer = null;
        timer = clock.CreateTimer(_ =>
        {
            if (++fired < 3)
            {
                timer!.Change(TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
            }
        }, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);

        while (clock.AdvanceToNextTimer())
        {
        }

        timer.Dispose();
        Assert.Equal(3, fired);
        Assert.Equal(s_start.AddSeconds(3), clock.GetUtcNow());
    }
}
