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

    [Fact]
    public void Rows_count_through_the_batches_and_too_many_values_are_refused()
    {
        Assert.Equal([("a", "0,2"), ("b", "1"), ("null", "3")],
            RowGroups.Of([Of(("o", Strings("a", "b"))), Of(("o", Strings("a", null)))], "o", null).Groups.Select(g => (g.Name, string.Join(',', g.Rows))));
        var wide = Of(("i", Longs([.. Enumerable.Range(0, 5000).Select(i => (long?)i)])));
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => RowGroups.Of([wide], "i", null)).Code);
    }
}
