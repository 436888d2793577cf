using System.Collections.Immutable;

namespace Gristmill.Grains.Partitions;

public sealed class PartitionKeysTests
{
    private static readonly DateOnly Today = new(2001, 6, 15);

    private static PartitionDimension Time(PartitionKind kind, DateOnly from, DateOnly? to = null) => new() { Name = "t", Kind = kind, From = from, To = to };

    private static PartitionKeys Keys(params PartitionDimension[] dimensions) => new(new PartitionSpec { Dimensions = [.. dimensions] }, Today);

    private static readonly PartitionDimension Airports = new() { Name = "airport", Kind = PartitionKind.Static, Keys = ["ATL", "ORD", "JFK"] };

    [Fact]
    public void Months_that_have_ended_are_there_or_all_up_to_an_end()
    {
        Assert.Equal(["2001-01", "2001-02", "2001-03", "2001-04", "2001-05"], Keys(Time(PartitionKind.Month, new(2001, 1, 20))).All());
        Assert.Equal(["2001-05", "2001-06", "2001-07"], Keys(Time(PartitionKind.Month, new(2001, 5, 1), new(2001, 7, 2))).All());
        Assert.Empty(Keys(Time(PartitionKind.Month, new(2001, 6, 1))).All());
    }

    [Fact]
    public void Weeks_are_ISO_weeks_and_go_over_the_year()
    {
        var keys = Keys(Time(PartitionKind.Week, new(2000, 12, 28), new(2001, 1, 9)));

        Assert.Equal(["2000-W52", "2001-W01", "2001-W02"], keys.All());
        Assert.Equal(("\"2001-W01\"", "\"2001-01-01\"", "\"2001-01-08\""), Of(keys.Parameters("2001-W01")));
    }

    [Fact]
    public void Days_and_ranges_give_their_times()
    {
        var keys = Keys(Time(PartitionKind.Day, new(2001, 2, 27), new(2001, 3, 3)));

        Assert.Equal(["2001-02-27", "2001-02-28", "2001-03-01", "2001-03-02"], keys.All());
        Assert.Equal(("\"2001-02-28..2001-03-01\"", "\"2001-02-28\"", "\"2001-03-02\""), Of(keys.Parameters("2001-02-28..2001-03-01")));
        Assert.Equal(["2001-02-28", "2001-03-01"], keys.Range("2001-02-28..2001-03-01"));
        Assert.Equal("2001-02-27..2001-03-02", keys.Normalize("*"));
    }

    private static (string, string, string) Of(ImmutableDictionary<string, string> parameters) => (parameters["t"], parameters["t-start"], parameters["t-end"]);

    [Fact]
    public void Two_dimensions_are_a_grid()
    {
        var keys = Keys(Time(PartitionKind.Month, new(2001, 1, 1), new(2001, 3, 1)), Airports);

        Assert.Equal(6, keys.Count);
        Assert.Equal(["2001-01/ATL", "2001-01/ORD", "2001-01/JFK", "2001-02/ATL", "2001-02/ORD", "2001-02/JFK"], keys.All());
        Assert.Equal(["2001-01/ORD", "2001-02/ORD"], keys.Range("*/ORD"));
        Assert.Equal(["2001-02/ORD", "2001-02/JFK"], keys.Range("2001-02/ORD..JFK"));
        Assert.Equal("\"ORD\"", keys.Parameters("2001-01..2001-02/ORD")["airport"]);
        Assert.Equal(ErrorCodes.Partition, Assert.Throws<GristmillException>(() => keys.Parameters("2001-01/*")).Code);
    }

    [Theory]
    [InlineData("@2001-05-01", "2001-04")]
    [InlineData("@2001-05-31", "2001-04")]
    [InlineData("@2001-02-01", "2001-01")]
    [InlineData("@2099-01-01", "2001-05")]
    public void A_day_stands_for_the_partition_that_has_ended_last(string day, string key) => Assert.Equal(key, Keys(Time(PartitionKind.Month, new(2001, 1, 1))).Normalize(day));

    [Theory]
    [InlineData("")]
    [InlineData("2000-12")]
    [InlineData("2001-06")]
    [InlineData("2001-1")]
    [InlineData("2001-03..2001-02")]
    [InlineData("..2001-02")]
    [InlineData("2001-01/ATL")]
    [InlineData("@2001-01-31")]
    [InlineData("@tomorrow")]
    [InlineData("../../etc")]
    public void What_is_no_partition_is_refused_and_named(string text)
    {
        var error = Assert.Throws<GristmillException>(() => Keys(Time(PartitionKind.Month, new(2001, 1, 1))).Normalize(text));

        Assert.Equal(ErrorCodes.Partition, error.Code);
    }

    [Fact]
    public void Specs_that_cannot_be_are_refused_with_every_problem()
    {
        ParameterSpec[] parameters = [new("t", ParameterType.String), new("t-start", ParameterType.Date), new("t-end", ParameterType.Date), new("airport", ParameterType.String)];
        IReadOnlyList<string> Problems(params PartitionDimension[] dimensions) => PartitionKeys.Problems(new PartitionSpec { Dimensions = [.. dimensions] }, parameters);

        Assert.Empty(Problems(Time(PartitionKind.Month, new(2001, 1, 1))));
        Assert.Empty(Problems(Time(PartitionKind.Month, new(2001, 1, 1)), Airports));
        Assert.Single(Problems());
        Assert.Single(Problems(Airports, Time(PartitionKind.Month, new(2001, 1, 1))));
        Assert.Single(Problems(Time(PartitionKind.Day, new(2001, 1, 1), new(2001, 1, 1))));
        Assert.Single(Problems(Airports with { Keys = [] }));
        Assert.Single(Problems(Airports with { Keys = ["a", "a"] }));
        Assert.Single(Problems(Airports with { Keys = ["a/b"] }));
        Assert.Single(Problems(Time(PartitionKind.Day, new(1, 1, 1), new(2001, 1, 1))));
        Assert.Equal(3, Problems(Time(PartitionKind.Month, new(2001, 1, 1)) with { Name = "x" }).Count);
    }
}
