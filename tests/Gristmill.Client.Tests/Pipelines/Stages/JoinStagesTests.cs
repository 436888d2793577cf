namespace Gristmill.Client.Pipelines.Stages;

public sealed class JoinStagesTests
{
    [Fact]
    public void A_point_in_time_join_takes_each_table_as_an_input()
    {
        var spec = Pipeline.Create("p", p =>
        {
            var orders = p.Read.Parquet("/orders.parquet");
            var means = p.Read.Parquet("/means.parquet");
            var rows = p.PointInTimeJoin(orders, ["customer"], "at", [new FeatureTable(means, TimeSpan.FromDays(7), prefix: "m"), new FeatureTable(means, timestamp: "day", keys: ["id"], columns: ["x"])]);
            p.Sql($"select * from {rows}");
        }).Spec;
        var stage = spec.Stages.Single(stage => stage.Operation == StageOperations.SqlPointInTimeJoin);
        Assert.Equal("rows", stage.Name);
        Assert.Equal(new OutputRef("orders"), stage.Inputs["data"]);
        Assert.Equal([new OutputRef("means"), new OutputRef("means")], new[] { stage.Inputs["features:0"], stage.Inputs["features:1"] });
        Assert.Equal("""{"features":[{"input":"features:0","prefix":"m","ttl":"7.00:00:00"},{"columns":["x"],"input":"features:1","keys":["id"],"timestamp":"day"}],"keys":["customer"],"timestamp":"at"}""", stage.Options);
    }

    [Fact]
    public void A_join_says_its_keys_kind_and_cardinality()
    {
        var spec = Pipeline.Create("p", p =>
        {
            var orders = p.Read.Parquet("/orders.parquet");
            var customers = p.Read.Parquet("/customers.parquet");
            var joined = p.Join(orders, customers, on: ["customer"], rightOn: ["id"], how: JoinKind.Left, validate: JoinCardinality.ManyToOne);
            p.Join(joined, orders, on: ["order", "day"], suffix: "2");
        }).Spec;
        var stages = spec.Stages.Where(stage => stage.Operation == StageOperations.SqlJoin).ToList();
        Assert.Equal("joined", stages[0].Name);
        Assert.Equal((new OutputRef("orders"), new OutputRef("customers")), (stages[0].Inputs["left"], stages[0].Inputs["right"]));
        Assert.Equal("""{"how":"left","keys":["customer"],"rightKeys":["id"],"suffix":"_right","validate":"manyToOne"}""", stages[0].Options);
        Assert.Equal("""{"how":"inner","keys":["order","day"],"suffix":"2","validate":"manyToMany"}""", stages[1].Options);
    }

    [Fact]
    public void Joins_of_nothing_are_refused() => Pipeline.Create("p", p =>
    {
        var rows = p.Read.Parquet("/rows.parquet");
        Assert.Throws<GristmillException>(() => p.Join(rows, rows, on: []));
        Assert.Throws<GristmillException>(() => p.Join(rows, rows, on: ["a"], rightOn: ["a", "b"]));
        Assert.Throws<GristmillException>(() => p.Join(rows, rows, on: ["a"], rightOn: []));
        Assert.Throws<GristmillException>(() => p.Join(rows, null!, on: ["a"]));
        Assert.Throws<GristmillException>(() => p.PointInTimeJoin(rows, [], "at", [new FeatureTable(rows)]));
        Assert.Throws<GristmillException>(() => p.PointInTimeJoin(rows, ["id"], "at", []));
        Assert.Throws<GristmillException>(() => new FeatureTable(rows, TimeSpan.FromDays(-1)));
    });
}
