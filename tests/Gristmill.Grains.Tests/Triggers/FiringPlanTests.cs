using System.Globalization;
using CsCheck;

namespace Gristmill.Grains.Triggers;

public sealed class FiringPlanTests
{
    private static readonly CronTimes Hourly = new(new CronSchedule("0 * * * *"));

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse("2026-01-01T" + text + "Z", CultureInfo.InvariantCulture);

    private static (string Fire, long Missed) Plan(string watermark, string now, CatchUpPolicy policy, int limit = 10)
    {
        var plan = FiringPlan.Of(Hourly, At(watermark), At(now), policy, limit);
        return plan is null ? ("none", 0) : (string.Join(' ', plan.Fire.Select(at => at.ToString("HH:mm", CultureInfo.InvariantCulture))), plan.Missed);
    }

    [Theory]
    [InlineData("06:00:00", "06:59:59", CatchUpPolicy.Once, "none", 0)]
    [InlineData("06:00:00", "07:00:00", CatchUpPolicy.Once, "07:00", 0)]
    [InlineData("06:00:00", "07:00:00", CatchUpPolicy.Skip, "07:00", 0)]
    [InlineData("06:00:00", "07:00:59", CatchUpPolicy.Skip, "07:00", 0)]
    [InlineData("06:00:00", "07:01:01", CatchUpPolicy.Skip, "", 1)]
    [InlineData("06:00:00", "11:30:00", CatchUpPolicy.Skip, "", 5)]
    [InlineData("06:00:00", "11:00:10", CatchUpPolicy.Skip, "11:00", 4)]
    [InlineData("06:00:00", "11:30:00", CatchUpPolicy.Once, "11:00", 4)]
    [InlineData("06:00:00", "11:30:00", CatchUpPolicy.All, "07:00 08:00 09:00 10:00 11:00", 0)]
    // A clock that went back.
    [InlineData("11:00:00", "10:00:00", CatchUpPolicy.All, "none", 0)]
    public void Times_that_passed_are_made_up_for_as_the_policy_says(string watermark, string now, CatchUpPolicy policy, string fire, long missed) =>
        Assert.Equal((fire, missed), Plan(watermark, now, policy));

    [Fact]
    public void Not_more_than_the_limit_is_made_up_for() =>
        Assert.Equal(("10:00 11:00", 3), Plan("06:00:00", "11:30:00", CatchUpPolicy.All, limit: 2));

    [Fact]
    public void Whatever_a_clock_does_no_time_is_fired_twice() =>
        Gen.Select(Gen.Int[-100_000, 200_000].Array[1, 60], Gen.Enum<CatchUpPolicy>(), Gen.Int[1, 20]).Sample((jumps, policy, limit) =>
        {
            var (now, watermark) = (At("00:00:00"), At("00:00:00"));
            var fired = new HashSet<DateTimeOffset>();
            foreach (var jump in jumps)
            {
                now = now.AddSeconds(jump);
                if (FiringPlan.Of(Hourly, watermark, now, policy, limit) is { } plan)
                {
                    watermark = plan.Watermark;
                    Assert.All(plan.Fire, at => Assert.True(fired.Add(at) && at <= now));
                }
            }
        });
}
