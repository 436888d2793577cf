using System.Collections.Immutable;

namespace Gristmill.Grains.Partitions;

public sealed class PartitionKeysTests
{
    private static readonly DateOnly Today = new(2001, 6, 15);

    private static PartitionDimension Time(PartitionKind kind, DateOnly from, DateOnly? to = null, string name = "t") => new() { Name = name, Kind = kind, From = from, To = to };

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

    [Fact]
    public void Any_two_kinds_are_a_grid_in_their_order()
    {
        var months = Time(PartitionKind.Month, new(2001, 1, 1), new(2001, 3, 1), "month");
        var weeks = Time(PartitionKind.Week, new(2001, 1, 1), new(2001, 1, 15), "week");
        var days = Time(PartitionKind.Day, new(2001, 1, 30), new(2001, 2, 2), "day");

        // Listed keys come as they are listed, which is not as they sort.
        Assert.Equal(["ATL/2001-01", "ATL/2001-02", "ORD/2001-01", "ORD/2001-02", "JFK/2001-01", "JFK/2001-02"], Keys(Airports, months).All());
        Assert.Equal(["ATL/2001-02", "ORD/2001-02"], Keys(Airports, months).Range("ATL..ORD/2001-02"));
        Assert.Equal("ORD..JFK/2001-01..2001-02", Keys(Airports, months).Normalize("ORD..JFK/*"));
        Assert.Equal(["2001-01-30/2001-W01", "2001-01-30/2001-W02", "2001-01-31/2001-W01", "2001-01-31/2001-W02", "2001-02-01/2001-W01", "2001-02-01/2001-W02"], Keys(days, weeks).All());
        Assert.Equal(["2001-W01/2001-01-31", "2001-W01/2001-02-01", "2001-W02/2001-01-31", "2001-W02/2001-02-01"], Keys(weeks, days).Range("*/2001-01-31..2001-02-01"));
        Assert.Equal(["ATL/a", "ATL/b"], Keys(Airports, new PartitionDimension { Name = "part", Kind = PartitionKind.Static, Keys = ["a", "b"] }).Range("ATL/*"));
        Assert.Equal(["2001-01-30/2001-01-31"], Keys(days, days with { Name = "as-of" }).Range("2001-01-30/2001-01-31"));

        PartitionDimension[] kinds = [months, weeks, days, Airports];
        foreach (var keys in kinds.SelectMany(first => kinds.Where(second => second != first).Select(second => Keys(first, second))))
        {
            Assert.Equal(keys.Dimensions[0].SelectMany(first => keys.Dimensions[1].Select(second => $"{first}/{second}")), keys.All());
            Assert.Equal(keys.All(), keys.Range("*"));
            Assert.Equal(keys.All(), keys.Range("*/*"));
            Assert.Equal(keys.All().Count, keys.Count);
            Assert.All(keys.All(), key => Assert.Equal([key], keys.Range(keys.Normalize(key))));
        }
    }

    [Fact]
    public void A_run_gets_the_times_of_each_dimension_of_time()
    {
        var months = Time(PartitionKind.Month, new(2001, 1, 1), new(2001, 7, 1), "month");
        static IEnumerable<string> Of(ImmutableDictionary<string, string> parameters) => parameters.OrderBy(static p => p.Key, StringComparer.Ordinal).Select(static p => $"{p.Key}={p.Value.Trim('"')}");

        Assert.Equal(["airport=ATL", "month=2001-04", "month-end=2001-05-01", "month-start=2001-04-01"], Of(Keys(Airports, months).Parameters("ATL/2001-04")));
        Assert.Equal(["month=2001-02..2001-03", "month-end=2001-04-01", "month-start=2001-02-01", "t=2001-W01..2001-W02", "t-end=2001-01-15", "t-start=2001-01-01"],
            Of(Keys(months, Time(PartitionKind.Week, new(2001, 1, 1))).Parameters("2001-02..2001-03/2001-W01..2001-W02")));
        Assert.Equal(ErrorCodes.Partition, Assert.Throws<GristmillException>(() => Keys(Airports, months).Parameters("*/2001-04")).Code);
    }

    [Fact]
    public void A_day_alone_holds_for_each_dimension_of_time()
    {
        var (months, days) = (Time(PartitionKind.Month, new(2001, 1, 1), name: "month"), Time(PartitionKind.Day, new(2001, 1, 1), name: "as-of"));

        Assert.Equal("2001-04/2001-05-01", Keys(months, days).Normalize("@2001-05-02"));
        Assert.Equal("2001-05-01/2001-04", Keys(days, months).Normalize("@2001-05-02"));
        Assert.Equal("2001-03/2001-05-01", Keys(months, days).Normalize("@2001-04-01/@2001-05-02"));
        Assert.Equal("ORD/2001-04", Keys(Airports, months).Normalize("ORD/@2001-05-02"));

        // It says nothing of listed keys.
        Assert.Equal(["ATL/2001-04", "ORD/2001-04", "JFK/2001-04"], Keys(Airports, months).Range("@2001-05-02"));
        Assert.Equal(["2001-04/ATL", "2001-04/ORD", "2001-04/JFK"], Keys(months, Airports).Range("@2001-05-02"));
        Assert.Throws<GristmillException>(() => Keys(Airports, months).Normalize("@2001-05-02/2001-04"));
        Assert.Throws<GristmillException>(() => Keys(Airports).Normalize("@2001-05-02"));
    }

    [Fact]
    public void Times_without_an_end_may_grow_to_more_than_a_range_can_have()
    {
        var keys = Keys(Time(PartitionKind.Day, new(2000, 1, 1), name: "day"), Time(PartitionKind.Day, new(2000, 1, 1), name: "as-of"));

        Assert.Equal(531L * 531, keys.Count);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => keys.All()).Code);
        Assert.Contains("281961 partitions; at most 100000", Assert.Throws<GristmillException>(() => keys.Normalize("*")).Message, StringComparison.Ordinal);
        Assert.Throws<GristmillException>(() => keys.Parameters("*/*"));
        Assert.Equal(531, keys.Range("2001-04-05/*").Count);
    }

    [Theory]
    [InlineData("ATL")]
    [InlineData("2001-04")]
    [InlineData("2001-04/ATL")]
    [InlineData("ATL/2001-04/x")]
    [InlineData("ATL/2001-08")]
    [InlineData("SFO/2001-04")]
    [InlineData("JFK..ATL/2001-04")]
    [InlineData("ATL/2001-04..2001-03")]
    [InlineData("/2001-04")]
    public void What_is_no_partition_of_two_dimensions_is_refused(string text) => Assert.Equal(ErrorCodes.Partition,
        Assert.Throws<GristmillException>(() => Keys(Airports, Time(PartitionKind.Month, new(2001, 1, 1), new(2001, 7, 1))).Normalize(text)).Code);

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
        Assert.Empty(Problems(Airports, Time(PartitionKind.Month, new(2001, 1, 1))));
        Assert.Contains("both dimensions are named 't'", Problems(Time(PartitionKind.Month, new(2001, 1, 1)), Time(PartitionKind.Day, new(2001, 1, 1))));
        Assert.Single(Problems(Airports, Time(PartitionKind.Month, new(2001, 1, 1)), Airports));
        Assert.Single(Problems(Time(PartitionKind.Day, new(2001, 1, 1), new(2001, 1, 1))));
        Assert.Single(Problems(Airports with { Keys = [] }));
        Assert.Single(Problems(Airports with { Keys = ["a", "a"] }));
        Assert.Single(Problems(Airports with { Keys = ["a/b"] }));
        Assert.Single(Problems(Time(PartitionKind.Day, new(1, 1, 1), new(2001, 1, 1))));
        var many = Airports with { Keys = [.. Enumerable.Range(0, 300).Select(i => $"a{i}")] };
        Assert.Empty(Problems(many, Time(PartitionKind.Day, new(2001, 1, 1), new DateOnly(2001, 1, 1).AddDays(333))));
        Assert.Single(Problems(many, Time(PartitionKind.Day, new(2001, 1, 1), new DateOnly(2001, 1, 1).AddDays(334))));
        Assert.Single(Problems(Time(PartitionKind.Month, new(2001, 1, 1)), Airports with { Keys = [.. Enumerable.Range(0, 100_001).Select(i => $"a{i}")] }));
        Assert.Equal(3, Problems(Time(PartitionKind.Month, new(2001, 1, 1)) with { Name = "x" }).Count);
    }
}
