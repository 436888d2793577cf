using System.Globalization;
using Apache.Arrow.Types;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class RowGroupsTests
{
    [Theory]
    [InlineData("year", "1969:1 2001:0,2")]
    [InlineData("month", "1969-12:1 2001-04:0 2001-05:2")]
    [InlineData("day", "1969-12-31:1 2001-04-01:0 2001-05-09:2")]
    [InlineData("weekday", "0:0 3:1,2")]
    [InlineData("hour", "5:2 23:0,1")]
    [InlineData("minute", "0:2 59:0,1")]
    public void Instants_are_grouped_by_a_part(string part, string expected)
    {
        var table = Of(("t", Timestamps(TimeUnit.Second, new DateTimeOffset(2001, 4, 1, 23, 59, 0, TimeSpan.Zero),
            new DateTimeOffset(1969, 12, 31, 23, 59, 59, TimeSpan.Zero), new DateTimeOffset(2001, 5, 9, 5, 0, 0, TimeSpan.Zero))));
        Assert.Equal(expected, string.Join(' ', RowGroups.Of([table], "t", part).Groups.Select(g => $"{g.Name}:{string.Join(',', g.Rows)}")));
    }

    [Theory]
    [InlineData("year", "yyyy")]
    [InlineData("month", "yyyy-MM")]
    [InlineData("day", "yyyy-MM-dd")]
    [InlineData("weekday", null)]
    [InlineData("hour", "%H")]
    [InlineData("minute", "%m")]
    public void Instants_in_any_order_and_on_the_edges_of_periods_come_into_their_group(string part, string? format)
    {
        var random = new Random(5);
        var starts = new[] { new DateTime(1999, 12, 31, 0, 0, 0, DateTimeKind.Utc), new DateTime(2000, 2, 28, 0, 0, 0, DateTimeKind.Utc), new DateTime(1950, 1, 1, 0, 0, 0, DateTimeKind.Utc) };
        foreach (var sorted in new[] { true, false })
        {
            var times = Enumerable.Range(0, 2000).Select(_ => starts[random.Next(3)]
                .AddHours(random.Next(49)).AddMinutes(random.Next(2) * random.Next(60)).AddSeconds(random.Next(2) * 59).AddTicks(-10 * random.Next(2))).ToArray();
            if (sorted)
            {
                Array.Sort(times);
            }

            var groups = RowGroups.Of([Of(("t", Timestamps(TimeUnit.Microsecond, [.. times.Select(t => (DateTimeOffset?)new DateTimeOffset(t))])))], "t", part).Groups;
            var named = times.Select((t, row) => (Name: format is null ? $"{(int)t.DayOfWeek}" : int.TryParse(t.ToString(format, CultureInfo.InvariantCulture), out var n) && part != "year" ? $"{n}" : t.ToString(format, CultureInfo.InvariantCulture), row));
            Assert.Equal(
                named.GroupBy(t => t.Name).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Key}:{string.Join(',', g.Select(t => t.row))}"),
                groups.OrderBy(g => g.Name, StringComparer.Ordinal).Select(g => $"{g.Name}:{string.Join(',', g.Rows)}"));
        }
    }

    [Fact]
    public void Rows_count_through_the_batches_and_too_many_values_are_refused()
    {
        Assert.Equal([("a", "0,2"), ("b", "1"), ("null", "3")],
            RowGroups.Of([Of(("o", Strings("a", "b"))), Of(("o", Strings("a", null)))], "o", null).Groups.Select(g => (g.Name, string.Join(',', g.Rows))));
        var wide = Of(("i", Longs([.. Enumerable.Range(0, 5000).Select(i => (long?)i)])));
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => RowGroups.Of([wide], "i", null)).Code);
    }
}
