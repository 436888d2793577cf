namespace Gristmill.Client.Pipelines.Stages;

public sealed class SampleStagesTests
{
    [Fact]
    public void Samples_and_shuffles_say_how_many_and_their_seed()
    {
        Assert.Equal("""{"rows":1000,"seed":42}""", Options(p => p.Sample(p.Read.Parquet("/rows.parquet")).Rows(1000)));
        Assert.Equal("""{"columns":["y"],"replacement":true,"rows":5,"seed":7}""", Options(p => p.Sample(p.Read.Parquet("/rows.parquet")).Rows(5, by: ["y"], replacement: true, seed: 7)));
        Assert.Equal("""{"columns":["y","z"],"fraction":0.25,"seed":42}""", Options(p => p.Sample(p.Read.Parquet("/rows.parquet")).Fraction(0.25, ["y", "z"])));
        Assert.Equal("""{"allocation":"equal","columns":["y"],"rows":3,"seed":42}""", Options(p => p.Sample(p.Read.Parquet("/rows.parquet")).RowsOfEach(["y"], 3)));
        Assert.Equal("""{"rows":{"$param":"n"},"seed":42}""", Options(p => p.Sample(p.Read.Parquet("/rows.parquet")).Rows(p.Parameter("n", 10L))));
        Assert.Equal("""{"seed":-1}""", Options(p => p.Shuffle(p.Read.Parquet("/rows.parquet"), seed: -1)));
    }

    [Fact]
    public void A_sample_waits_for_the_stage_that_knows_its_size()
    {
        var stage = Stage(p =>
        {
            var rows = p.Read.Parquet("/rows.parquet");
            var quality = p.Check(rows, c => c.RowsBetween(1, null));
            return p.Sample(rows).Rows(quality.Metrics["rows"]);
        });
        Assert.Equal("""{"rows":{"$value":{"metric":"rows","stage":"check-rows"}},"seed":42}""", stage.Options);
        Assert.Contains("check-rows", stage.After);
        Assert.Equal(new OutputRef("rows"), stage.Inputs["data"]);
    }

    [Fact]
    public void A_sample_of_each_group_needs_columns() =>
        Assert.Throws<GristmillException>(() => Options(p => p.Sample(p.Read.Parquet("/rows.parquet")).RowsOfEach([], 3)));

    private static string Options(Func<PipelineBuilder, Table> define) => Stage(define).Options;

    private static StageSpec Stage(Func<PipelineBuilder, Table> define) => Pipeline.Create("p", p => { define(p); }).Spec.Stages
        .Single(stage => stage.Operation is StageOperations.SqlSample or StageOperations.SqlShuffle);
}
