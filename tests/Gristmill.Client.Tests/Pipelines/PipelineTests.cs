using System.Text.Json;

namespace Gristmill.Client.Pipelines;

public sealed class PipelineTests
{
    private static readonly Pipeline Flights = Pipeline.Create("flights", p =>
    {
        var until = p.Parameter("train-until", new DateOnly(2001, 4, 1));
        var least = p.Parameter("least-auc", 0.66);
        var raw = p.Read.Parquet("/data/flights.parquet");
        var rows = p.Sql($"select *, delay > {15} as late from {raw}");
        var (train, test) = p.Split(rows).ByTime("date", until);
        var trees = p.Train.LightGbm(train, label: "late", categorical: ["origin"], iterations: 50,
            features: p.Features.Number("distance").TargetEncode("origin", "destination"));
        var net = p.Train.TorchMlp(train, label: "late", hidden: [128, 64]);
        var best = p.Best(Metric.Auc, over: test, among: [trees, net]);
        p.Evaluate(trees, over: test, by: "date", byPart: DatePart.Month);
        p.Register("flight-delay", best, when: best.Score > least);
    });

    private static StageSpec Stage(string name) => Flights.Spec.Stages.Single(s => s.Name == name);

    private static JsonElement Options(string name) => JsonDocument.Parse(Stage(name).Options).RootElement;

    [Fact]
    public void Variables_name_their_stages() =>
        Assert.Equal(["raw", "rows", "split", "trees", "net", "best", "evaluate-trees", "register"], Flights.Spec.Stages.Select(s => s.Name));

    [Fact]
    public void Handles_connect_stages()
    {
        Assert.Equal(new OutputRef("rows"), Stage("split").Inputs["data"]);
        Assert.Equal(new OutputRef("split", "train"), Stage("trees").Inputs["data"]);
        Assert.Equal(new OutputRef("split", "test"), Stage("best").Inputs["data"]);
        Assert.Equal(new OutputRef("trees"), Stage("best").Inputs["model:trees"]);
        Assert.Equal(new OutputRef("net"), Stage("best").Inputs["model:net"]);
        Assert.Equal(new OutputRef("best"), Stage("register").Inputs["model"]);
    }

    [Fact]
    public void A_query_names_tables_and_binds_everything_else()
    {
        Assert.Equal("""{"query":"select *, delay > $value as late from \"raw\"","values":{"value":15}}""", Stage("rows").Options);
        Assert.Equal(new OutputRef("raw"), Stage("rows").Inputs["raw"]);
    }

    [Fact]
    public void What_a_csv_stage_does_about_bad_rows_says_what_there_is_of_them()
    {
        CsvTable? skipped = null, failing = null;
        var spec = Pipeline.Create("p", p =>
        {
            failing = p.Read.Csv("/a.csv", BadRows.Fail);
            skipped = p.Read.Csv("/b.csv", BadRows.Skip, "x");
            var sales = p.Read.Csv("/c.csv", BadRows.Quarantine);
            p.Sql($"select * from {sales.Bad}").When(sales.Metrics["badRows"] > 10);
        }).Spec;

        Assert.Equal(["""{"format":"csv","path":"/a.csv"}""", """{"columns":["x"],"format":"csv","onError":"skip","path":"/b.csv"}""", """{"format":"csv","onError":"quarantine","path":"/c.csv"}"""],
            spec.Stages.Where(static stage => stage.Operation == StageOperations.SqlRead).Select(static stage => stage.Options));
        Assert.Equal([new OutputRef("read-3", "bad")], spec.Stages[^1].Inputs.Values);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => skipped!.Bad).Code);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => failing!.Metrics).Code);
    }

    [Fact]
    public void Parameters_have_types_and_defaults()
    {
        Assert.Equal([new("train-until", ParameterType.Date, "\"2001-04-01\""), new("least-auc", ParameterType.Number, "0.66")], Flights.Spec.Parameters);
        Assert.Equal("train-until", Options("split").GetProperty("at")[0].GetProperty("$date").GetProperty("$param").GetString());
    }

    [Fact]
    public void A_comparison_becomes_a_condition() =>
        Assert.Equal(new ConditionSpec("best", "score", ">", """{"$param":"least-auc"}"""), Stage("register").When);

    [Fact]
    public void Options_left_out_are_left_out()
    {
        Assert.Equal(["categorical", "features", "iterations", "label"], Options("trees").EnumerateObject().Select(o => o.Name));
        Assert.Equal("""{"hidden":[128,64],"label":"late"}""", Stage("net").Options);
        Assert.Equal("""{"transforms":[{"columns":["distance"],"kind":"number"},{"columns":["origin","destination"],"kind":"targetEncode"}]}""",
            Options("trees").GetProperty("features").GetRawText());
    }

    [Fact]
    public void A_definition_is_reproducible()
    {
        static Pipeline Make() => Pipeline.Create("p", p => p.Read.Csv("/a.csv", "x", "y"));

        Assert.Equal(PipelineVersion.Of(Make().Spec), PipelineVersion.Of(Make().Spec));
    }

    [Fact]
    public void Names_and_limits_can_be_given()
    {
        var spec = Pipeline.Create("p", p =>
        {
            var first = p.Read.Json("/a.json").Named("source").With(attempts: 5, timeout: TimeSpan.FromMinutes(1), threads: 1);
            var second = p.Read.Json("/b.json").After(first);
            _ = p.Sql($"select * from {first} join {second} using (id)");
        }).Spec;

        Assert.Equal(["source", "second", "sql"], spec.Stages.Select(s => s.Name));
        Assert.Equal(5, spec.Stages[0].Retry.MaxAttempts);
        Assert.Equal(TimeSpan.FromMinutes(1), spec.Stages[0].Limits.Timeout);
        Assert.Equal(["source"], spec.Stages[1].After);
    }

    [Fact]
    public void Stages_of_one_wish_are_numbered()
    {
        var spec = Pipeline.Create("p", p =>
        {
            p.Read.Csv("/a");
            p.Read.Csv("/b");
        }).Spec;

        Assert.Equal(["read", "read-2"], spec.Stages.Select(s => s.Name));
    }

    [Fact]
    public void A_measured_number_can_be_a_value_and_makes_its_user_wait()
    {
        var spec = Pipeline.Create("p", p =>
        {
            var rows = p.Read.Csv("/a");
            var model = p.Train.Linear(rows, label: "y");
            var cut = model.Metrics[Metric.Rmse];
            var few = p.Sql($"select * from {rows} where x < {cut}");
            p.Train.FastTree(few, label: "y");
        }).Spec;

        Assert.Equal("""{"query":"select * from \"rows\" where x < $cut","values":{"cut":{"$value":{"metric":"rmse","stage":"linear"}}}}""",
            spec.Stages[2].Options);
        Assert.Equal(["linear"], spec.Stages[2].After);
    }

    [Fact]
    public void A_definition_that_is_wrong_says_how()
    {
        Table? stray = null;
        Pipeline.Create("other", p => stray = p.Read.Csv("/a"));

        Refused("stages", _ => { });
        Refused("'x y'", p => p.Parameter("x y", 1));
        Refused("'a'", p => { p.Parameter("a", 1); p.Parameter("a", 2); });
        Refused("Guid", p => p.Parameter("a", Guid.Empty));
        Refused("'twice'", p => { p.Read.Csv("/a").Named("twice"); p.Read.Csv("/b").Named("twice"); });
        Refused("another pipeline", p => p.Train.Linear(stray!, label: "y"));
        Refused("Object", p => p.Sql($"select {new object()}"));
        Refused("attempts", p => p.Read.Csv("/a").With(attempts: 0));
        Refused("no models", p => p.Best(Metric.Auc, over: p.Read.Csv("/a"), among: []));
        Assert.Contains("'no/name'", Assert.Throws<GristmillException>(() => Pipeline.Create("no/name", p => p.Read.Csv("/a"))).Message);

        static void Refused(string named, Action<PipelineBuilder> define)
        {
            var error = Assert.Throws<GristmillException>(() => Pipeline.Create("p", define));
            Assert.Equal(ErrorCodes.Invalid, error.Code);
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
            Assert.NotNull(error.Error.Hint);
        }
    }

    [Fact]
    public void A_stage_cannot_wait_for_a_later_one()
    {
        var error = Assert.Throws<GristmillException>(() => Pipeline.Create("p", p =>
        {
            var first = p.Read.Csv("/a");
            var second = p.Sql($"select * from {first}");
            first.After(second);
        }));

        Assert.Contains("comes later", error.Message);
    }
}
