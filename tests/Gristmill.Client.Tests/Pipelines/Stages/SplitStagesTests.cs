namespace Gristmill.Client.Pipelines.Stages;

public sealed class SplitStagesTests
{
    private static string Options(Action<SplitStages> split) =>
        Pipeline.Create("p", p => split(p.Split(p.Read.Parquet("/rows.parquet")))).Spec.Stages.Single(stage => stage.Operation == StageOperations.SqlSplit).Options;

    [Fact]
    public void Splits_say_their_shares_seed_and_columns()
    {
        Assert.Equal("""{"by":"random","fractions":[0.8,0.2],"names":["train","test"],"seed":7}""", Options(split => split.AtRandom(0.2, 7)));
        Assert.Equal("""{"by":"random","fractions":[0.5,0.25,0.25],"names":["train","validation","test"],"seed":42}""", Options(split => split.AtRandom(validation: 0.25, test: 0.25)));
        Assert.Equal("""{"by":"group","columns":["shop","day"],"fractions":[0.8,0.2],"names":["train","test"],"seed":42}""", Options(split => split.ByGroup(["shop", "day"])));
        Assert.Equal("""{"by":"stratified","columns":["y"],"fractions":[0.5,0.25,0.25],"names":["train","validation","test"],"seed":1}""",
            Options(split => split.Stratified(["y"], validation: 0.25, test: 0.25, seed: 1)));
        Assert.Equal("""{"at":[{"$date":"2024-01-01"},{"$date":"2024-02-01"}],"by":"time","column":"day","names":["train","validation","test"]}""",
            Options(split => split.ByTime("day", new DateOnly(2024, 1, 1), new DateOnly(2024, 2, 1))));
    }

    [Fact]
    public void Parts_are_outputs_of_one_stage()
    {
        TrainValidationTest? parts = null;
        var spec = Pipeline.Create("p", p =>
        {
            var rows = p.Read.Parquet("/rows.parquet");
            parts = p.Split(rows).ByGroup(["shop"], validation: 0.1, test: 0.2);
            var (train, validation, _) = parts;
            p.Train.LightGbm(train, label: "y", validation: validation);
        }).Spec;
        Assert.Equal(["train", "validation", "test"], new[] { parts!.Train.Output, parts.Validation.Output, parts.Test.Output });
        Assert.Equal(new OutputRef("split", "validation"), spec.Stages.Single(stage => stage.Operation == StageOperations.TrainLightGbm).Inputs["validation"]);
    }

    [Fact]
    public void Shares_and_columns_that_cannot_be_are_refused()
    {
        Action<SplitStages>[] wrong =
        [
            split => split.AtRandom(0), split => split.AtRandom(1), split => split.AtRandom(double.NaN), split => split.AtRandom(validation: 0.5, test: 0.5),
            split => split.ByGroup([]), split => split.Stratified([], 0.2), split => split.Stratified(["y"], validation: -0.1, test: 0.2),
        ];
        Assert.All(wrong, split => Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => Options(split)).Code));
    }
}
