using System.Globalization;

namespace Gristmill.Grains.Triggers;

public sealed class TriggerScheduleTests
{
    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    private static List<string> Times(string expression, string zone, string after, int count)
    {
        var times = new CronTimes(new CronSchedule(expression, zone));
        var found = new List<string>();
        for (DateTimeOffset? at = times.Next(At(after)); at is { } time && found.Count < count; at = times.Next(time))
        {
            found.Add(time.ToUniversalTime().ToString("MM-dd HH:mm:ss", CultureInfo.InvariantCulture));
        }

        return found;
    }

    [Theory]
    [InlineData("0 6 * * *", "03-01 06:00:00", "03-02 06:00:00")]
    [InlineData("30 0 6 * * *", "03-01 06:00:30", "03-02 06:00:30")]
    [InlineData("@daily", "03-02 00:00:00", "03-03 00:00:00")]
    [InlineData("@hourly", "03-01 01:00:00", "03-01 02:00:00")]
    [InlineData("*/20 * * * *", "03-01 00:20:00", "03-01 00:40:00")]
    [InlineData("0 0 L * *", "03-31 00:00:00", "04-30 00:00:00")]
    [InlineData("  0   6 * *   MON ", "03-02 06:00:00", "03-09 06:00:00")]
    public void Five_and_six_fields_and_macros_are_read(string expression, string first, string second) =>
        Assert.Equal([first, second], Times(expression, "UTC", "2026-03-01T00:00:00Z", 2));

    [Fact]
    public void A_time_in_the_skipped_hour_is_fired_right_after_it() =>
        // Berlin goes from 02:00 to 03:00 on 29 March 2026: 02:30 is not, so it fires at 03:00 CEST, 01:00 UTC.
        Assert.Equal(["03-28 01:30:00", "03-29 01:00:00", "03-30 00:30:00"], Times("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3));

    [Fact]
    public void A_time_in_the_doubled_hour_is_fired_once() =>
        // Berlin has 02:00 to 03:00 twice on 25 October 2026.
        Assert.Equal(["10-24 00:30:00", "10-25 00:30:00", "10-26 01:30:00"], Times("30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", 3));

    [Fact]
    public void What_repeats_within_the_hour_goes_on_through_both() =>
        Assert.Equal(
            ["10-25 00:00:00", "10-25 00:30:00", "10-25 01:00:00", "10-25 01:30:00", "10-25 02:00:00"],
            Times("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 5));

    [Theory]
    [InlineData("")]
    [InlineData("* * * *")]
    [InlineData("* * * * * * *")]
    [InlineData("61 * * * *")]
    [InlineData("@sometimes")]
    [InlineData("0 6 * * FUNDAY")]
    public void What_is_no_cron_expression_is_refused(string expression)
    {
        var error = Assert.Throws<GristmillException>(() => new CronTimes(new CronSchedule(expression)));

        Assert.Equal(ErrorCodes.Cron, error.Code);
        Assert.Contains($"'{expression}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_zone_and_a_time_that_never_comes_are_refused()
    {
        Assert.Equal(ErrorCodes.TimeZone, Assert.Throws<GristmillException>(() => new CronTimes(new CronSchedule("@daily", "Mars/Olympus"))).Code);
        Assert.Equal(ErrorCodes.Cron, Assert.Throws<GristmillException>(() => TriggerChecks.Shape(
            new TriggerSpec { Name = "t", Pipeline = "p", Cron = new CronSchedule("0 0 30 2 *") })).Code);
    }

    [Fact]
    public void Intervals_go_by_their_anchor()
    {
        var times = new IntervalTimes(TimeSpan.FromHours(6), At("2026-01-01T01:00:00Z"));

        Assert.Equal(At("2026-01-01T07:00:00Z"), times.Next(At("2026-01-01T01:00:00Z")));
        Assert.Equal(At("2025-12-31T19:00:00Z"), times.Next(At("2025-12-31T13:30:00Z")));
        var due = times.Due(At("2026-01-01T01:00:00Z"), At("2026-01-03T01:00:00Z"), keep: 2);
        Assert.Equal(8, due.Count);
        Assert.Equal([At("2026-01-02T19:00:00Z"), At("2026-01-03T01:00:00Z")], due.Newest);
        Assert.Empty(times.Due(At("2026-01-03T01:00:00Z"), At("2026-01-01T01:00:00Z"), keep: 2).Newest);
    }

    [Theory]
    [InlineData("* * * * * *", "2026-06-30T23:59:59Z")]
    // Thousands of times, all of them long ago.
    [InlineData("* * * 1-20 1 *", "2026-01-20T23:59:59Z")]
    public void The_newest_of_millions_are_found(string expression, string newest)
    {
        var due = new CronTimes(new CronSchedule(expression)).Due(At("2025-06-01T00:00:00Z"), At("2026-06-30T23:59:59.5Z"), keep: 3);

        Assert.Equal([At(newest).AddSeconds(-2), At(newest).AddSeconds(-1), At(newest)], due.Newest);
        Assert.True(due.AtLeast);
    }
}
