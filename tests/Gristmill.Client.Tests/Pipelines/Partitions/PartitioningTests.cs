namespace Gristmill;

public sealed class PartitioningTests
{
    [Fact]
    public void A_partition_is_a_value_of_the_run()
    {
        var pipeline = Pipeline.Create("monthly", p =>
        {
            var month = p.PartitionBy.Month("month", from: new DateOnly(2001, 1, 1), to: new DateOnly(2001, 7, 1));
            var airport = p.PartitionBy.Static("airport", "ATL", "ORD");
            p.PartitionBy.MadeOf("ingest");
            var raw = p.Read.Csv("/data/x.csv");
            p.Sql($"select * from {raw} where date >= {month.Start} and date < {month.End} and origin = {airport}");
        });

        Assert.Equal(["month", "month-start", "month-end", "airport"], pipeline.Spec.Parameters.Select(parameter => parameter.Name));
        Assert.Equal(["ingest"], pipeline.Spec.Partitions!.Upstream);
        Assert.Equal("2001-01/ATL", new PartitionKeys(pipeline.Spec.Partitions, new DateOnly(2001, 6, 1)).All()[0]);
        Assert.Contains("month-start", pipeline.Spec.Stages[1].Options, StringComparison.Ordinal);
        Assert.Equal(PipelineVersion.Of(pipeline.Spec), PipelineVersion.Of(GristmillJson.Deserialize<PipelineSpec>(GristmillJson.Serialize(pipeline.Spec))));
        Assert.DoesNotContain("partitions", GristmillJson.Serialize(Pipeline.Create("plain", p => p.Read.Csv("/x.csv")).Spec), StringComparison.Ordinal);
    }

    [Fact]
    public void Any_two_dimensions_are_possible_in_the_order_that_they_are_said()
    {
        var pipeline = Pipeline.Create("by-airport", p =>
        {
            var airport = p.PartitionBy.Static("airport", "ORD", "ATL");
            var month = p.PartitionBy.Month("month", from: new DateOnly(2001, 1, 1), to: new DateOnly(2001, 3, 1));
            p.Sql($"select * from {p.Read.Csv("/data/x.csv")} where date >= {month.Start} and date < {month.End} and origin = {airport}");
            p.On.Cron("0 6 2 * *").With(partition: "ATL/{{scheduled}}");
        });

        Assert.Equal(["airport", "month", "month-start", "month-end"], pipeline.Spec.Parameters.Select(parameter => parameter.Name));
        Assert.Equal(["ORD/2001-01", "ORD/2001-02", "ATL/2001-01", "ATL/2001-02"], new PartitionKeys(pipeline.Spec.Partitions!, new DateOnly(2001, 6, 1)).All());
        Assert.Equal("ATL/{{scheduled}}", Assert.Single(pipeline.Spec.Triggers!.Value).Partition);

        var times = Pipeline.Create("times", p =>
        {
            p.PartitionBy.Week("event", from: new DateOnly(2001, 1, 1), to: new DateOnly(2001, 1, 8));
            var seen = p.PartitionBy.Day("as-of", from: new DateOnly(2001, 1, 8), to: new DateOnly(2001, 1, 10));
            p.Sql($"select * from {p.Read.Csv("/data/x.csv")} where seen < {seen.End}");
        });
        Assert.Equal(["2001-W01/2001-01-08", "2001-W01/2001-01-09"], new PartitionKeys(times.Spec.Partitions!, new DateOnly(2001, 6, 1)).All());
    }

    [Fact]
    public void What_cannot_be_partitioned_so_is_refused()
    {
        static GristmillException Refused(Action<PipelineBuilder> define) => Assert.Throws<GristmillException>(() => Pipeline.Create("p", p =>
        {
            p.Read.Csv("/x.csv");
            define(p);
        }));

        Assert.Contains("later end", Refused(p => p.PartitionBy.Day("day", new DateOnly(2001, 1, 2), new DateOnly(2001, 1, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("one dimension or two", Refused(p => p.PartitionBy.MadeOf("other")).Message, StringComparison.Ordinal);
        Assert.Contains("one dimension or two", Refused(p =>
        {
            p.PartitionBy.Static("airport", "ATL");
            p.PartitionBy.Day("day", new DateOnly(2001, 1, 2));
            p.PartitionBy.Month("month", new DateOnly(2001, 1, 2));
        }).Message, StringComparison.Ordinal);
        Assert.Contains("'day'", Refused(p =>
        {
            p.PartitionBy.Day("day", new DateOnly(2001, 1, 2));
            p.PartitionBy.Day("day", new DateOnly(2001, 1, 2));
        }).Message, StringComparison.Ordinal);
    }
}
