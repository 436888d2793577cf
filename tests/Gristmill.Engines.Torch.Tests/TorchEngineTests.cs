using System.Collections.Immutable;
using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Onnx;
using Gristmill.Objects;
using TorchSharp;

namespace Gristmill.Engines.Torch;

// Training counts copies for the whole process, and two trainings at once would only fight for cores.
[Collection("copies")]
public sealed class TorchEngineTests : IDisposable
{
    private readonly TempStore _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task A_binary_model_learns_numbers_and_categories_and_serves_them()
    {
        var data = Table(4000, seed: 1);
        var reports = new Reports();
        var before = CopyCounter.Total;

        var outputs = await Train(data, """{"label":"late","categorical":["carrier"],"exclude":["minutes","huge"],"hidden":[32,16],"epochs":8,"learningRate":0.02,"seed":3}""", reports);

        Assert.Equal(before, CopyCounter.Total);
        Assert.Equal(0, _temp.Objects.LiveLeases);
        Assert.Equal([data.Id], _temp.Objects.List().Select(o => o.Id));
        Assert.True(outputs.Artifacts["metrics"].Metrics!["validation_auc"] > 0.9);
        Assert.Contains(reports.All, r => r.Metrics.ContainsKey("loss") && r.Metrics.ContainsKey("rows_per_s"));
        Assert.Contains(reports.All, r => r.Metrics.ContainsKey("val_loss") && r.Metrics.ContainsKey("val_auc"));

        using var predictor = Loader().Load(outputs.Artifacts["out"].Model!, 1);
        Assert.Equal(ModelTask.Binary, predictor.Manifest.Task);
        using var test = _temp.Objects.Get(Table(2000, seed: 2));
        Assert.True(ModelEvaluator.Evaluate(predictor, test.Batches, "late")["auc"] > 0.9);
    }

    [Fact]
    public async Task One_row_and_many_rows_score_the_same_within_a_hundred_thousandth()
    {
        var outputs = await Train(Table(4000, seed: 1), """{"label":"late","hidden":[32],"epochs":1}""");
        using var predictor = (MlpPredictor)Loader().Load(outputs.Artifacts["out"].Model!, 1);
        var rows = MlpPredictor.TorchRows + 3;
        var random = new Random(5);
        var features = new float[rows * predictor.Encoder.Width];
        for (var i = 0; i < features.Length; i++)
        {
            var categories = predictor.Encoder.Features[i % predictor.Encoder.Width].Categories;
            features[i] = categories > 0 ? random.Next(categories) : random.NextSingle();
        }

        var many = new float[rows];
        predictor.Score(features, rows, many);
        using (var exported = new OnnxRun(Loader().ExportOnnx(outputs.Artifacts["out"].Model!)))
        {
            Assert.Equal(many, exported.Scores(features, ModelTask.Binary), (a, b) => Math.Abs(a - b) <= 1e-6);
        }

        var one = new float[1];
        for (var i = 0; i < rows; i++)
        {
            predictor.Score(features.AsSpan(i * predictor.Encoder.Width, predictor.Encoder.Width), 1, one);
            Assert.Equal(many[i], one[0], 1e-5f);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            predictor.Score(features.AsSpan(0, predictor.Encoder.Width), 1, one);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200);
    }

    [Fact]
    public async Task Equal_seeds_give_equal_models_and_others_do_not()
    {
        var data = Table(2000, seed: 1);
        const string options = """{"label":"late","hidden":[16],"epochs":2,"dropout":0.3,"seed":SEED}""";
        var first = await Train(data, options.Replace("SEED", "1"));

        // As any other training in the process would.
        torch.manual_seed(77);
        var again = await Train(data, options.Replace("SEED", "1"));
        var other = await Train(data, options.Replace("SEED", "2"));
        Assert.Equal(Weights(first), Weights(again));
        Assert.NotEqual(Weights(first), Weights(other));
    }

    [Fact]
    public async Task A_regression_predicts_in_the_labels_own_unit()
    {
        var outputs = await Train(Table(4000, seed: 1), """{"label":"minutes","exclude":["late"],"hidden":[32,16],"epochs":20,"learningRate":0.02}""");
        using var predictor = Loader().Load(outputs.Artifacts["out"].Model!, 1);
        Assert.Equal(ModelTask.Regression, predictor.Manifest.Task);
        using var test = _temp.Objects.Get(Table(1000, seed: 2));
        Assert.True(ModelEvaluator.Evaluate(predictor, test.Batches, "minutes")["rmse"] < 200, "the label's standard deviation is about 500");
    }

    [Fact]
    public async Task Text_labels_are_classes()
    {
        var outputs = await Train(Table(4000, seed: 1), """{"label":"carrier","hidden":[16],"epochs":2}""");
        using var predictor = Loader().Load(outputs.Artifacts["out"].Model!, 1);
        Assert.Equal(ModelTask.Multiclass, predictor.Manifest.Task);
        using var test = _temp.Objects.Get(Table(10, seed: 2));
        using var predicted = predictor.Predict(test.Batches[0]);
        Assert.Equal(10, predicted.Length);
        Assert.Equal(["label", "score", "probabilities"], predicted.Schema.FieldsList.Select(f => f.Name));
    }

    [Fact]
    public async Task Validation_rows_can_be_an_input()
    {
        var outputs = await Train(Table(2000, seed: 1), """{"label":"late","hidden":[16],"epochs":2}""", validation: Table(500, seed: 9));
        Assert.True(outputs.Artifacts["metrics"].Metrics!.ContainsKey("validation_auc"));
    }

    [Fact]
    public async Task A_loss_that_is_not_finite_is_a_clear_error_and_leaves_nothing()
    {
        var data = Table(2000, seed: 1);
        var error = await Assert.ThrowsAsync<GristmillException>(() => Train(data,
            """{"label":"minutes","hidden":[16],"epochs":50,"learningRate":10,"features":{"transforms":[{"kind":"number","columns":["huge"]}]}}"""));
        Assert.Equal(ErrorCodes.StageFailed, error.Code);
        Assert.Contains("loss became", error.Message);
        Assert.Equal(0, _temp.Objects.LiveLeases);
        Assert.Single(_temp.Objects.List());
    }

    [Fact]
    public async Task Cancelling_ends_it_within_a_second_and_leaves_nothing()
    {
        var data = Table(20_000, seed: 1);
        using var cancel = new CancellationTokenSource();
        var reports = new Reports { OnReport = r => { if (r.Metrics.ContainsKey("loss")) { cancel.Cancel(); } } };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Train(data, """{"label":"late","epochs":10000,"patience":10000}""", reports, cancellationToken: cancel.Token)
            .WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.Equal(0, _temp.Objects.LiveLeases);
        Assert.Single(_temp.Objects.List());
    }

    [Fact]
    public async Task Wrong_options_are_reported_all_at_once()
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => Train(Table(10, seed: 1), """{"label":"late","epochs":0,"dropout":2}"""));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains("epochs", error.Message);
        Assert.Contains("dropout", error.Message);
    }

    [Theory]
    [InlineData("""{"label":"none"}""", ErrorCodes.UnknownColumn)]
    [InlineData("""{"label":"late","lable":1}""", ErrorCodes.Invalid)]
    [InlineData("""{"label":"minutes","task":"binary"}""", ErrorCodes.BadValue)]
    [InlineData("""{"label":"late","features":{"transforms":[{"kind":"number","columns":["late"]}]}}""", ErrorCodes.Invalid)]
    public async Task Bad_requests_are_coded(string options, string code)
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => Train(Table(100, seed: 1), options));
        Assert.Equal(code, error.Code);
    }

    [Fact]
    public async Task No_rows_are_a_clear_error() =>
        Assert.Equal(ErrorCodes.BadValue, (await Assert.ThrowsAsync<GristmillException>(() => Train(Table(0, seed: 1), """{"label":"late"}"""))).Code);

    [Fact]
    public async Task A_package_with_weights_of_another_shape_is_refused()
    {
        var outputs = await Train(Table(500, seed: 1), """{"label":"late","hidden":[16],"epochs":1}""");
        var folder = _temp.Content.GetPath(outputs.Artifacts["out"].Model!.Digest);
        var manifest = Loader().ReadManifest(outputs.Artifacts["out"].Model!);
        var encoder = MatrixPredictorBase.LoadEncoder(folder, manifest);
        var error = Assert.Throws<GristmillException>(() => MlpWeights.Load(Path.Combine(folder, MlpWeights.FileName), encoder, outputs: 7));
        Assert.Equal(ErrorCodes.ModelFormat, error.Code);
    }

    private ModelLoader Loader() => new(_temp.Content, [new TorchModelEngine()]);

    private string Weights(StageOutputs outputs) =>
        Loader().ReadManifest(outputs.Artifacts["out"].Model!).Files[MlpWeights.FileName];

    private Task<StageOutputs> Train(ObjectRef data, string options, IProgress<StageProgress>? progress = null, ObjectRef? validation = null, CancellationToken cancellationToken = default)
    {
        var inputs = ImmutableDictionary<string, Artifact>.Empty.Add("data", Artifact.Of(data));
        return new TorchEngine().ExecuteAsync(new StageContext
        {
            Request = new StageRequest
            {
                RunId = "r",
                Stage = "mlp",
                Attempt = 1,
                Epoch = 1,
                Operation = StageOperations.TrainTorchMlp,
                Options = options,
                Inputs = validation is null ? inputs : inputs.Add("validation", Artifact.Of(validation)),
            },
            Objects = _temp.Objects,
            Content = _temp.Content,
            Models = Loader(),
            Progress = progress,
        }, cancellationToken);
    }

    // Late depends on the hour and on the carrier; minutes on the hour, at a scale far from 1.
    private ObjectRef Table(int rows, int seed)
    {
        var random = new Random(seed);
        var hour = new Int32Array.Builder();
        var noise = new DoubleArray.Builder();
        var huge = new DoubleArray.Builder();
        var carrier = new StringArray.Builder();
        var late = new BooleanArray.Builder();
        var minutes = new DoubleArray.Builder();
        for (var i = 0; i < rows; i++)
        {
            var h = random.Next(24);
            var c = random.Next(6);
            hour.Append(h);
            noise.Append(random.NextDouble());
            huge.Append(random.NextDouble() * 1e30);
            carrier.Append(c.ToString(CultureInfo.InvariantCulture) + "A");
            late.Append(random.NextDouble() < 1 / (1 + Math.Exp(-(h - 12 + (c % 2 == 0 ? 6 : -6)))));
            minutes.Append(10_000 + (72 * h) + (random.NextDouble() * 10));
        }

        var schema = new Schema(
        [
            new Field("hour", Int32Type.Default, false), new Field("noise", DoubleType.Default, false), new Field("carrier", StringType.Default, false),
            new Field("late", BooleanType.Default, false), new Field("minutes", DoubleType.Default, false), new Field("huge", DoubleType.Default, false),
        ], null);
        using var writer = _temp.Objects.Create(schema);
        writer.Append(new RecordBatch(schema, [hour.Build(), noise.Build(), carrier.Build(), late.Build(), minutes.Build(), huge.Build()], rows));
        return writer.Seal();
    }

    private sealed class Reports : IProgress<StageProgress>
    {
        private readonly List<StageProgress> _all = [];

        public Action<StageProgress>? OnReport { get; init; }

        public IReadOnlyList<StageProgress> All
        {
            get
            {
                lock (_all)
                {
                    return [.. _all];
                }
            }
        }

        public void Report(StageProgress value)
        {
            lock (_all)
            {
                _all.Add(value);
            }

            OnReport?.Invoke(value);
        }
    }
}
