using Apache.Arrow;
using Gristmill.Engines.Onnx;
using Gristmill.Objects;

namespace Gristmill.Engines.MLNet;

[Collection("LightGBM")]
public sealed class LightGbmEngineTests : IDisposable
{
    private static readonly string[] Leaks = ["weight", "grade"];

    private readonly StageHost _host = new();
    private readonly LightGbmEngine _engine = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Trains_packages_loads_and_predicts()
    {
        var outputs = await Train(new { label = "tall", exclude = Leaks, iterations = 50 });
        var model = outputs.Artifacts["out"].Model!;
        Assert.Equal("lightgbm", model.Engine);
        Assert.Equal(50, outputs.Artifacts["metrics"].Metrics!["iterations"]);

        using var predictor = _host.Models.Load(model);
        Assert.Equal(ModelTask.Binary, predictor.Manifest.Task);
        Assert.Equal(["height", "age", "kind"], predictor.Manifest.Inputs.Select(i => i.Name));
        Assert.True(File.Exists(Path.Combine(_host.Content.GetPath(model.Digest), "model.txt")));

        var test = TestTables.Trees(500, 99);
        var predictions = predictor.Predict(test.Without("tall"));
        var label = (BooleanArray)predictions.Column("label");
        var score = (FloatArray)predictions.Column("score");
        var truth = (BooleanArray)test.Column("tall");
        Assert.True(Enumerable.Range(0, 500).Count(i => label.GetValue(i) == truth.GetValue(i)) > 480);
        Assert.All(Enumerable.Range(0, 500), i => Assert.InRange(score.GetValue(i)!.Value, 0f, 1f));

        var matrix = Assert.IsAssignableFrom<IMatrixPredictor>(predictor);
        var features = new float[500 * matrix.Encoder.Width];
        matrix.Encoder.Encode(test, features);
        var scores = new float[500];
        matrix.Score(features, 500, scores);
        Assert.Equal(score.Values.ToArray(), scores);
    }

    [Fact]
    public async Task A_trained_package_exports_what_it_scores()
    {
        var outputs = await Train(new { label = "tall", exclude = Leaks, iterations = 50 });
        using var predictor = Assert.IsAssignableFrom<IMatrixPredictor>(_host.Models.Load(outputs.Artifacts["out"].Model!));
        var test = TestTables.Trees(500, 99);
        var features = new float[500 * predictor.Encoder.Width];
        predictor.Encoder.Encode(test, features);
        var expected = new float[500];
        predictor.Score(features, 500, expected);

        using var exported = new OnnxRun(_host.Models.ExportOnnx(outputs.Artifacts["out"].Model!));

        Assert.Equal(expected, exported.Scores(features, ModelTask.Binary), (a, b) => Math.Abs(a - b) <= 1e-6);
        Assert.Equal("tall", exported.Metadata["gristmill.label"]);
    }

    [Fact]
    public async Task Reports_every_iteration()
    {
        await Train(new { label = "tall", exclude = Leaks, iterations = 20, earlyStopping = 20, validationFraction = 0.2 });
        var iterations = _host.Reports.Where(r => r.Metrics.ContainsKey("iteration")).ToList();
        Assert.Equal(Enumerable.Range(1, 20).Select(i => (double)i), iterations.Select(r => r.Metrics["iteration"]));
        Assert.Equal(1.0, iterations[^1].Fraction);
        Assert.True(iterations[^1].Metrics["validation_auc"] > 0.9);
        Assert.True(iterations[^1].Metrics["validation_binary_logloss"] < iterations[0].Metrics["validation_binary_logloss"]);
    }

    [Fact]
    public async Task Validates_on_a_second_input()
    {
        var outputs = await _host.Run(_engine, "lightgbm.train", new { label = "weight", exclude = (string[])["tall", "grade"], earlyStopping = 3, iterations = 300 },
            new() { ["data"] = _host.Put(TestTables.Trees(2_000, 1)), ["validation"] = _host.Put(TestTables.Trees(500, 2)) });
        var metrics = outputs.Artifacts["metrics"].Metrics!;
        Assert.InRange(metrics["validation_rmse"], 0.01, 10);
        Assert.Equal(ModelTask.Regression, _host.Models.ReadManifest(outputs.Artifacts["out"].Model!).Task);
    }

    [Fact]
    public async Task Text_labels_are_classes()
    {
        var outputs = await Train(new { label = "grade", exclude = (string[])["tall", "weight"], iterations = 30 });
        using var predictor = _host.Models.Load(outputs.Artifacts["out"].Model!);
        Assert.Equal(["high", "low", "mid"], predictor.Manifest.Classes);
        var test = TestTables.Trees(300, 5);
        var predictions = predictor.Predict(test);
        var label = (StringArray)predictions.Column("label");
        var truth = (StringArray)test.Column("grade");
        Assert.True(Enumerable.Range(0, 300).Count(i => label.GetString(i) == truth.GetString(i)) > 290);
    }

    [Fact]
    public async Task The_matrix_is_handed_over_where_it_lies()
    {
        // Only this collection uses LightGBM, one test at a time, so the hook sees this test's calls alone.
        nint[]? features = null, labels = null;
        LightGbmDataset.Addresses = (f, l) => (features, labels) = (f, l);
        var owned = 0;
        TrainingMatrix.Mapped = lease =>
        {
            Assert.True(Owns(lease, features![0], 3_000 * 3 * sizeof(float)));
            Assert.True(Owns(lease, labels![0], 3_000 * sizeof(float)));
            owned++;
        };
        try
        {
            var input = new Dictionary<string, ObjectRef> { ["data"] = _host.Put(TestTables.Trees(3_000, 1)) };
            var before = CopyCounter.Total;
            await _host.Run(_engine, "lightgbm.train", new { label = "tall", exclude = Leaks, iterations = 2 }, input);
            Assert.Single(features!);
            Assert.Equal(1, owned);
            Assert.Equal(before, CopyCounter.Total);
        }
        finally
        {
            LightGbmDataset.Addresses = null;
            TrainingMatrix.Mapped = null;
        }
    }

    [Fact]
    public async Task Equal_rows_train_as_one_of_their_number()
    {
        // 600 different rows of 12,000: every value has a bin of its own, so the sums are the same, and with leaves of any size the trees are.
        var random = new Random(3);
        var picks = Enumerable.Range(0, 12_000).Select(_ => random.Next(300)).ToArray();
        var table = TestTables.Of(
            ("hour", new Int32Array.Builder().AppendRange(picks.Select(p => p % 24)).Build()),
            ("route", new Int32Array.Builder().AppendRange(picks.Select(p => p / 24)).Build()),
            ("late", new BooleanArray.Builder().AppendRange(picks.Select(p => random.NextDouble() < (p % 24 / 40.0) + (p / 24 / 30.0))).Build()));
        var data = new Dictionary<string, ObjectRef> { ["data"] = _host.Put(table) };
        int? handed = null;
        TrainingMatrix.Mapped = lease => handed = lease.Batches.Sum(b => b.Length);
        try
        {
            var scores = new List<float[]>();
            foreach (var merge in (bool[])[true, false])
            {
                var outputs = await _host.Run(_engine, "lightgbm.train", new { label = "late", iterations = 30, minDataInLeaf = 0, mergeEqualRows = merge }, data);
                Assert.Equal(merge, handed < 700);
                Assert.Equal(12_000, outputs.Artifacts["metrics"].Metrics!["rows"]);
                using var predictor = _host.Models.Load(outputs.Artifacts["out"].Model!);
                scores.Add(((FloatArray)predictor.Predict(table).Column("score")).Values.ToArray());
            }

            Assert.All(scores[0].Zip(scores[1]), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        }
        finally
        {
            TrainingMatrix.Mapped = null;
        }
    }

    [Theory]
    [InlineData("""{"label":"kind","mergeEqualRows":false}""")]
    [InlineData("""{"label":"kind","validationFraction":0.5}""")]
    [InlineData("""{"label":"kind","baggingFraction":0.5}""")]
    public void Rows_that_are_drawn_are_not_merged(string options) =>
        Assert.False(System.Text.Json.JsonSerializer.Deserialize<LightGbmOptions>(options, StageJson.Options)!.MayMerge);

    [Fact]
    public async Task Leaves_nothing_but_the_model()
    {
        var data = _host.Put(TestTables.Trees(1_000, 1));
        await _host.Run(_engine, "lightgbm.train", new { label = "tall", exclude = Leaks, iterations = 2 }, new() { ["data"] = data });
        Assert.Equal([data.Id], _host.Objects.List().Select(o => o.Id));
    }

    [Fact]
    public async Task Cancellation_leaves_nothing()
    {
        var data = _host.Put(TestTables.Trees(1_000, 1));
        using var source = new CancellationTokenSource();
        var run = _host.Run(_engine, "lightgbm.train", new { label = "tall", exclude = Leaks, iterations = 1_000_000, leaves = 2, learningRate = 1e-9 },
            new() { ["data"] = data }, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal([data.Id], _host.Objects.List().Select(o => o.Id));
        Assert.False(Directory.Exists(_host.Content.Root) && Directory.EnumerateFiles(_host.Content.Root, "*", SearchOption.AllDirectories).Any());
    }

    [Theory]
    [InlineData("""{"label":"nope"}""", ErrorCodes.UnknownColumn, "nope")]
    [InlineData("""{"label":"tall","categorical":["color"]}""", ErrorCodes.UnknownColumn, "color")]
    [InlineData("""{"label":"tall","leaves":1,"iterations":0}""", ErrorCodes.Invalid, "leaves")]
    [InlineData("""{"label":"tall","leafs":3}""", ErrorCodes.Invalid, "leafs")]
    [InlineData("""{"iterations":3}""", ErrorCodes.Invalid, "label")]
    [InlineData("""{"label":"tall","earlyStopping":3}""", ErrorCodes.Invalid, "earlyStopping")]
    [InlineData("""{"label":"weight","task":"binary"}""", ErrorCodes.BadValue, "weight")]
    [InlineData("""{"label":"tall","features":{"transforms":[{"kind":"number","columns":["tall"]}]}}""", ErrorCodes.Invalid, "tall")]
    [InlineData("""{"label":"age"}""", ErrorCodes.BadValue, "age")]
    public async Task Bad_options_and_labels_are_named(string options, string code, string named)
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => Train(System.Text.Json.JsonDocument.Parse(options).RootElement));
        Assert.Equal(code, error.Code);
        Assert.Contains(named, error.Message + error.Error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_file_in_the_package_is_model_format()
    {
        var outputs = await Train(new { label = "tall", exclude = Leaks, iterations = 2 });
        var model = outputs.Artifacts["out"].Model!;
        File.WriteAllText(Path.Combine(_host.Content.GetPath(model.Digest), "model.txt"), "tree");
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() => _host.Models.Load(model)).Code);
    }

    private Task<StageOutputs> Train(object options) =>
        _host.Run(_engine, "lightgbm.train", options, new() { ["data"] = _host.Put(TestTables.Trees(3_000, 1)) });

    private static unsafe bool Owns(ObjectLease lease, nint address, int bytes) => lease.Owns(new ReadOnlySpan<byte>((void*)address, bytes));
}
