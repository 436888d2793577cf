using Apache.Arrow;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class PredictionOutputTests
{
    private static ModelManifest Manifest(ModelTask task, params string[] classes) => new()
    {
        Engine = "test",
        Task = task,
        Inputs = [],
        Outputs = PredictionOutput.Columns(task, classes.Length),
        Classes = [.. classes],
    };

    [Fact]
    public void Binary_is_a_score_and_a_decision()
    {
        var batch = PredictionOutput.Build(Manifest(ModelTask.Binary), [0.5f, 0.25f, 1, 0, 0.49f, 0.51f, 0, 0, 0.9f], 9);
        Assert.Equal(["score", "label"], batch.Schema.FieldsList.Select(f => f.Name));
        var labels = (BooleanArray)batch.Column(1);
        Assert.Equal([true, false, true, false, false, true, false, false, true], Enumerable.Range(0, 9).Select(i => labels.GetValue(i)!.Value));
    }

    [Fact]
    public void Multiclass_is_the_first_most_probable_class()
    {
        var batch = PredictionOutput.Build(Manifest(ModelTask.Multiclass, "a", "bé", "c"), [0.25f, 0.5f, 0.25f, 0.4f, 0.2f, 0.4f], 2);
        Assert.Equal(["bé", "a"], Enumerable.Range(0, 2).Select(i => ((StringArray)batch.Column(0)).GetString(i)));
        Assert.Equal([0.5f, 0.4f], ((FloatArray)batch.Column(1)).Values.ToArray());
        Assert.Equal(6, ((FixedSizeListArray)batch.Column(2)).Values.Length);
        Assert.Equal(0, PredictionOutput.Build(Manifest(ModelTask.Multiclass, "a", "b"), [], 0).Length);
    }

    [Fact]
    public void Nan_is_refused_with_the_row()
    {
        var error = Assert.Throws<GristmillException>(() => PredictionOutput.Build(Manifest(ModelTask.Multiclass, "a", "b"), [0, 1, 0, float.NaN], 2));
        Assert.Equal(ErrorCodes.BadValue, error.Code);
        Assert.Equal("1", error.Error.Details["row"]);
    }

    [Fact]
    public void A_matrix_predictor_predicts_tables_of_more_rows_than_a_block()
    {
        using var stores = new TestStores(new TestEngine());
        var encoder = Fit(Of(("x", Doubles(1, 2))), null, Spec(TransformKind.Number, "x"));
        using var predictor = stores.Models.Load(TestEngine.Package(stores.Content, encoder, ModelTask.Regression, "y"));
        var batch = predictor.Predict(Of(("x", Doubles([.. Enumerable.Range(0, 20_000).Select(i => (double?)i)]))));
        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => (float)i), ((FloatArray)batch.Column(0)).Values.ToArray());
    }
}
