using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class CoreEngineTests
{
    private static readonly DateTimeOffset April = new(2001, 4, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly RecordBatch Data = Of(
        ("x", Doubles(-2, -1, 1, 2, -3, 3)), ("o", Strings("a", "a", "b", "b", null, "a")), ("late", Booleans(false, true, false, true, false, true)),
        ("date", Timestamps(TimeUnit.Microsecond, April, April, April, April, April.AddMonths(1), April.AddMonths(1).AddDays(3))));

    private static readonly FeatureEncoder Encoder = Fit(Data, null, Spec(TransformKind.Impute, "x"));

    [Fact]
    public async Task Noop_gives_nothing()
    {
        using var stores = new TestStores();
        Assert.Empty((await stores.RunAsync(StageOperations.NoOp, "{}")).Artifacts);
    }

    [Fact]
    public async Task Fit_gives_the_encoded_table_and_transforms_that_apply_gives_again()
    {
        using var stores = new TestStores();
        var data = Artifact.Of(stores.Put(Data, Data));
        var fitted = await stores.RunAsync(StageOperations.Fit, """
            {"label":"late","plan":{"transforms":[{"kind":"impute","columns":["x"],"strategy":"median"},{"kind":"targetEncode","columns":["o"],"smoothing":1},{"kind":"dateParts","columns":["date"],"parts":["month"]}]}}
            """, ("data", data));
        var applied = await stores.RunAsync(StageOperations.Apply, """{"label":"late"}""", ("data", data), ("transforms", fitted.Artifacts["transforms"]));
        Assert.Equal(12, fitted.Artifacts["out"].Dataset!.Rows);
        Assert.Equal(Floats(stores, fitted.Artifacts["out"], 0), Floats(stores, applied.Artifacts["out"], 0));
        Assert.Equal(Floats(stores, fitted.Artifacts["out"], 1), Floats(stores, applied.Artifacts["out"], 1));
        Assert.Equal("transforms", stores.Models.ReadManifest(fitted.Artifacts["transforms"].Model!).Engine);
        Assert.Equal(1, stores.Progress[^1].Fraction);
    }

    [Fact]
    public async Task Fit_without_a_plan_infers_one()
    {
        using var stores = new TestStores();
        var fitted = await stores.RunAsync(StageOperations.Fit, """{"label":"late","exclude":["date"]}""", ("data", Artifact.Of(stores.Put(Data))));
        Assert.Equal(["x", "o"], stores.Models.LoadEncoder(fitted.Artifacts["transforms"].Model!).Features.Select(f => f.Name));
        var error = await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync(StageOperations.Fit, "{}", ("data", Artifact.Of(stores.Put(Data)))));
        Assert.Equal(ErrorCodes.TypeMismatch, error.Code);
    }

    [Theory]
    [InlineData("test")]
    [InlineData("plain")]
    public async Task Evaluate_measures_all_rows_and_by_month(string engine)
    {
        using var stores = new TestStores(new TestEngine(engine));
        var model = Artifact.Of(TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late", engine: engine));
        var outputs = await stores.RunAsync(StageOperations.Evaluate, """{"by":"date","byPart":"month"}""", ("model", model), ("data", Artifact.Of(stores.Put(Data, Data))));
        var metrics = outputs.Artifacts["metrics"].Metrics!;
        foreach (var name in new[] { "auc", "logloss", "accuracy", "f1", "brier", "ece", "rows" })
        {
            Assert.Contains(name, metrics.Keys);
        }

        // April: positives -1 and 2, negatives -2 and 1: 3 of 4 pairs. All: positives -1, 2, 3, negatives -2, 1, -3: 8 of 9.
        Assert.Equal(12, metrics["rows"]);
        Assert.Equal(8.0 / 9, metrics["auc"], 12);
        Assert.Equal(0.75, metrics["2001-04/auc"]);
        Assert.Equal(1, metrics["2001-05/auc"]);
        Assert.Equal(8, metrics["2001-04/rows"]);
        Assert.Equal(1, stores.Progress[^1].Fraction);
    }

    [Fact]
    public async Task Evaluate_groups_by_text_with_null_last()
    {
        using var stores = new TestStores(new TestEngine());
        var model = Artifact.Of(TestEngine.Package(stores.Content, Encoder, ModelTask.Regression, "x"));
        var metrics = (await stores.RunAsync(StageOperations.Evaluate, """{"by":"o"}""", ("model", model), ("data", Artifact.Of(stores.Put(Data))))).Artifacts["metrics"].Metrics!;
        Assert.Equal([3, 2, 1], new[] { "a/rows", "b/rows", "null/rows" }.Select(k => metrics[k]));
        Assert.Equal(0, metrics["rmse"]);
    }

    [Fact]
    public async Task Evaluate_measures_classes()
    {
        using var stores = new TestStores(new TestEngine());
        var table = Of(("p", Doubles(3, 0, 0)), ("q", Doubles(0, 3, 3)), ("kind", Longs(7, 8, 7)));
        var encoder = Fit(table, null, Spec(TransformKind.Number, "p"), Spec(TransformKind.Number, "q"));
        var model = Artifact.Of(TestEngine.Package(stores.Content, encoder, ModelTask.Multiclass, "kind", classes: ["7", "8"]));
        var metrics = (await stores.RunAsync(StageOperations.Evaluate, "{}", ("model", model), ("data", Artifact.Of(stores.Put(table))))).Artifacts["metrics"].Metrics!;
        Assert.Equal(2.0 / 3, metrics["accuracy"], 12);
        Assert.Equal(2.0 / 3, metrics["f1"], 12);
        var unknown = await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync(StageOperations.Evaluate, "{}", ("model", model),
            ("data", Artifact.Of(stores.Put(Of(("p", Doubles(1)), ("q", Doubles(1)), ("kind", Longs(9))))))));
        Assert.Equal(ErrorCodes.BadValue, unknown.Code);
    }

    [Theory]
    [InlineData("""{"label":"nope"}""", ErrorCodes.UnknownColumn)]
    [InlineData("""{"by":"nope"}""", ErrorCodes.UnknownColumn)]
    [InlineData("""{"by":"date"}""", ErrorCodes.Invalid)]
    [InlineData("""{"by":"date","byPart":"century"}""", ErrorCodes.Invalid)]
    [InlineData("""{"by":"x","byPart":"month"}""", ErrorCodes.Invalid)]
    [InlineData("""{"label":"o"}""", ErrorCodes.TypeMismatch)]
    [InlineData("""{"label":"x"}""", ErrorCodes.BadValue)]
    [InlineData("""{"lable":"late"}""", ErrorCodes.Invalid)]
    public async Task Wrong_options_are_refused(string options, string code)
    {
        using var stores = new TestStores(new TestEngine());
        var model = Artifact.Of(TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late"));
        var data = Artifact.Of(stores.Put(Data));
        Assert.Equal(code, (await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync(StageOperations.Evaluate, options, ("model", model), ("data", data)))).Code);
    }

    [Theory]
    [InlineData("auc", "up", 1, 8.0 / 9)]
    [InlineData("logLoss", "up", 1, null)]
    public async Task Best_picks_the_better_model(string metric, string winner, int index, double? score)
    {
        using var stores = new TestStores(new TestEngine());
        var up = TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late");
        var down = TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late", sign: -1);
        var outputs = await stores.RunAsync(StageOperations.Best, JsonSerializer.Serialize(new { metric }), ("model:up", Artifact.Of(up)), ("model:down", Artifact.Of(down)), ("data", Artifact.Of(stores.Put(Data))));
        var metrics = outputs.Artifacts["metrics"].Metrics!;
        Assert.Equal(up, outputs.Artifacts["out"].Model);
        Assert.Equal(index, metrics["winner"]);
        Assert.Equal(metrics[$"{winner}/{metric.ToLowerInvariant()}"], metrics["score"]);
        Assert.Equal(1 - metrics["up/auc"], metrics["down/auc"], 12);
        if (score is not null)
        {
            Assert.Equal(score.Value, metrics["score"], 12);
        }
    }

    [Fact]
    public async Task Best_measures_what_evaluate_does()
    {
        using var stores = new TestStores(new TestEngine());
        var up = TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late");
        var down = TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late", sign: -1);
        (string, Artifact)[] inputs = [("model:up", Artifact.Of(up)), ("model:down", Artifact.Of(down)), ("data", Artifact.Of(stores.Put(Data)))];
        var metrics = (await stores.RunAsync(StageOperations.Best, """{"metric":"auc","by":"date","byPart":"month"}""", inputs)).Artifacts["metrics"].Metrics!;
        foreach (var (name, model) in new[] { ("up", up), ("down", down) })
        {
            var alone = await stores.RunAsync(StageOperations.Evaluate, """{"by":"date","byPart":"month"}""", ("model", Artifact.Of(model)), inputs[2]);
            Assert.Contains("2001-04/auc", alone.Artifacts["metrics"].Metrics!.Keys);
            Assert.All(alone.Artifacts["metrics"].Metrics!, m => Assert.Equal(m.Value, metrics[$"{name}/{m.Key}"]));
        }
    }

    [Fact]
    public async Task Best_can_be_told_what_is_better_and_needs_a_metric_there_is()
    {
        using var stores = new TestStores(new TestEngine());
        var up = TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late");
        var down = TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late", sign: -1);
        (string, Artifact)[] inputs = [("model:up", Artifact.Of(up)), ("model:down", Artifact.Of(down)), ("data", Artifact.Of(stores.Put(Data)))];
        Assert.Equal(down, (await stores.RunAsync(StageOperations.Best, """{"metric":"auc","maximize":false}""", inputs)).Artifacts["out"].Model);
        var error = await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync(StageOperations.Best, """{"metric":"rmse"}""", inputs));
        Assert.Contains("logloss", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("test")]
    [InlineData("plain")]
    public async Task Predict_puts_predictions_beside_the_columns(string engine)
    {
        using var stores = new TestStores(new TestEngine(engine));
        var model = Artifact.Of(TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late", engine: engine));
        var outputs = await stores.RunAsync(StageOperations.Predict, """{"keep":["o","x"],"prefix":"p_"}""", ("model", model), ("data", Artifact.Of(stores.Put(Data, Data))));
        using var lease = stores.Objects.Get(outputs.Artifacts["out"].Dataset!);
        Assert.Equal(["o", "x", "p_score", "p_label"], lease.Schema.FieldsList.Select(f => f.Name));
        Assert.Equal(12, lease.Ref.Rows);
        var batch = lease.Batches[1];
        Assert.Equal(3, ((DoubleArray)batch.Column(1)).GetValue(5));
        Assert.Equal(1 / (1 + MathF.Exp(-3)), ((FloatArray)batch.Column(2)).GetValue(5)!.Value, 1e-6f);
        Assert.True(((BooleanArray)batch.Column(3)).GetValue(5));
    }

    [Fact]
    public async Task Predict_refuses_clashing_names_and_names_rows_of_the_table()
    {
        using var stores = new TestStores(new TestEngine());
        var strict = Fit(Data, null, Spec(TransformKind.Number, "x"));
        var model = Artifact.Of(TestEngine.Package(stores.Content, strict, ModelTask.Binary, "late"));
        var clash = await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync(StageOperations.Predict, "{}", ("model", model), ("data", Artifact.Of(stores.Put(Of(("x", Doubles(1)), ("score", Doubles(1))))))));
        Assert.Equal(ErrorCodes.Conflict, clash.Code);
        var bad = await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync(StageOperations.Predict, "{}", ("model", model), ("data", Artifact.Of(stores.Put(Of(("x", Doubles(1, 2))), Of(("x", Doubles(3, null))))))));
        Assert.Equal("3", bad.Error.Details["row"]);
        Assert.Equal(2, stores.Objects.List().Count());
    }

    [Fact]
    public async Task Every_operation_ends_when_it_is_cancelled()
    {
        using var stores = new TestStores(new TestEngine());
        var model = Artifact.Of(TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late"));
        var data = Artifact.Of(stores.Put(Data));
        foreach (var (operation, options, input) in new[]
        {
            (StageOperations.Fit, """{"exclude":["date"]}""", "x"), (StageOperations.Apply, "{}", "transforms"), (StageOperations.Evaluate, "{}", "model"),
            (StageOperations.Predict, "{}", "model"), (StageOperations.Best, """{"metric":"auc"}""", "model:a"),
        })
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stores.RunAsync(operation, options, new CancellationToken(true), ("data", data), (input, model)));
        }

        Assert.Single(stores.Objects.List());
    }

    [Fact]
    public async Task Unknown_operations_are_refused()
    {
        using var stores = new TestStores();
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync("core.magic", "{}"))).Code);
    }

    private static float[] Floats(TestStores stores, Artifact artifact, int column)
    {
        using var lease = stores.Objects.Get(artifact.Dataset!);
        return lease.Batches[0].Column(column) is FixedSizeListArray list ? ((FloatArray)list.Values).Values.ToArray() : ((FloatArray)lease.Batches[0].Column(column)).Values.ToArray();
    }
}
