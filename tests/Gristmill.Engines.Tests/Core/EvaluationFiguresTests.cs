using System.Text;
using Apache.Arrow;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class EvaluationFiguresTests
{
    private static readonly RecordBatch Data = Of(("p", Doubles(3, 0, 0, 2)), ("q", Doubles(0, 3, 3, -2)), ("late", Booleans(true, false, true, true)), ("kind", Strings("a", "b", "a", "a")), ("much", Doubles(3, 0.5, 0, 1)));

    private static readonly FeatureEncoder Encoder = Fit(Data, null, Spec(TransformKind.Number, "p"), Spec(TransformKind.Number, "q"));

    [Theory]
    [InlineData(ModelTask.Binary, "late", new[] { "calibration", "roc" })]
    [InlineData(ModelTask.Regression, "much", new[] { "predicted-actual", "residuals" })]
    [InlineData(ModelTask.Multiclass, "kind", new[] { "confusion-matrix" })]
    public async Task Each_task_has_its_own_figures(ModelTask task, string label, string[] figures)
    {
        using var log = new TrackRecorder();
        using var stores = new TestStores(new TestEngine()) { Track = log };
        var model = Artifact.Of(TestEngine.Package(stores.Content, Encoder, task, label, classes: task == ModelTask.Multiclass ? ["a", "b"] : []));
        var data = Artifact.Of(stores.Put(Data, Data));

        await stores.RunAsync(StageOperations.Evaluate, "{}", ("model", model), ("data", data));
        Assert.Equal(figures.Select(static figure => $"figures/stage/{figure}.svg"), log.Artifacts.Keys.Order(StringComparer.Ordinal));
        Assert.All(log.Artifacts.Values, static svg => Assert.Contains("over 8 rows", Encoding.UTF8.GetString(svg), StringComparison.Ordinal));

        await stores.RunAsync(StageOperations.Best, $$"""{"metric":"{{(task == ModelTask.Regression ? "rmse" : "accuracy")}}"}""", ("model:m", model), ("data", data));
        Assert.Equal(figures.SelectMany(static figure => new[] { $"figures/stage/m/{figure}.svg", $"figures/stage/{figure}.svg" }).Order(StringComparer.Ordinal), log.Artifacts.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Rows_of_one_class_have_no_roc_curve_but_a_confusion_matrix()
    {
        using var log = new TrackRecorder();
        using var stores = new TestStores(new TestEngine()) { Track = log };
        var data = Artifact.Of(stores.Put(Of(("p", Doubles(3, 1)), ("q", Doubles(0, 3)), ("late", Booleans(true, true)), ("kind", Strings("a", "a")))));
        await stores.RunAsync(StageOperations.Evaluate, "{}", ("model", Artifact.Of(TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late"))), ("data", data));
        Assert.Empty(log.Artifacts);
        await stores.RunAsync(StageOperations.Evaluate, "{}", ("model", Artifact.Of(TestEngine.Package(stores.Content, Encoder, ModelTask.Multiclass, "kind", classes: ["a", "b"]))), ("data", data));
        Assert.Equal(["figures/stage/confusion-matrix.svg"], log.Artifacts.Keys);
    }

    [Fact]
    public async Task What_is_wrong_with_scores_the_metrics_say()
    {
        using var log = new TrackRecorder();
        using var stores = new TestStores(new TestEngine()) { Track = log };
        var model = Artifact.Of(TestEngine.Package(stores.Content, Encoder, ModelTask.Regression, "much"));
        var infinite = Artifact.Of(stores.Put(Of(("p", Doubles(1, 2)), ("q", Doubles(1, 1)), ("much", Doubles(double.PositiveInfinity, 2)))));
        Assert.Equal(ErrorCodes.BadValue, (await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync(StageOperations.Evaluate, "{}", ("model", model), ("data", infinite)))).Code);
    }

    [Theory]
    [InlineData(230)]
    [InlineData(250)]
    public async Task A_name_too_long_for_a_figure_is_no_reason_to_fail(int length)
    {
        using var log = new TrackRecorder();
        using var stores = new TestStores(new TestEngine()) { Track = log };
        var model = Artifact.Of(TestEngine.Package(stores.Content, Encoder, ModelTask.Regression, "much"));
        var outputs = await stores.RunAsync(StageOperations.Best, """{"metric":"rmse"}""", ($"model:{new string('m', length)}", model), ("data", Artifact.Of(stores.Put(Data))));
        Assert.NotNull(outputs.Artifacts["out"].Model);
        Assert.Empty(log.Artifacts);
    }
}
