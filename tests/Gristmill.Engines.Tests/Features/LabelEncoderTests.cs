using Apache.Arrow;
using Apache.Arrow.Types;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class LabelEncoderTests
{
    private static readonly RecordBatch Table = Of(
        ("b", Booleans(true, false, true)), ("zeroone", Longs(1, 0, 1)), ("two", Longs(7, 3, 7)), ("many", Doubles(10, 9.5, 2)),
        ("text", Strings("b", "a", "b")), ("three", Strings("b", "é", "a")), ("one", Strings("a", "a", "a")),
        ("null", Longs(1, null, 0)), ("t", Timestamps(TimeUnit.Second, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)));

    [Theory]
    [InlineData("b", ModelTask.Binary, "", new float[] { 1, 0, 1 })]
    [InlineData("zeroone", ModelTask.Binary, "", new float[] { 1, 0, 1 })]
    [InlineData("two", ModelTask.Binary, "3,7", new float[] { 1, 0, 1 })]
    [InlineData("text", ModelTask.Binary, "a,b", new float[] { 1, 0, 1 })]
    [InlineData("text", null, "a,b", new float[] { 1, 0, 1 })]
    [InlineData("many", null, "", new float[] { 10, 9.5f, 2 })]
    [InlineData("many", ModelTask.Regression, "", new float[] { 10, 9.5f, 2 })]
    [InlineData("b", ModelTask.Regression, "", new float[] { 1, 0, 1 })]
    [InlineData("many", ModelTask.Multiclass, "2,9.5,10", new float[] { 2, 1, 0 })]
    [InlineData("three", ModelTask.Multiclass, "a,b,é", new float[] { 1, 2, 0 })]
    [InlineData("b", ModelTask.Multiclass, "false,true", new float[] { 1, 0, 1 })]
    public void The_task_decides_how_a_label_is_read(string column, ModelTask? task, string classes, float[] expected)
    {
        var label = LabelEncoder.Fit([Table], column, task);
        Assert.Equal(classes, string.Join(',', label.Classes));
        var labels = new float[3];
        label.Encode(Table, labels);
        Assert.Equal(expected, labels);
    }

    [Theory]
    [InlineData("nope", null, ErrorCodes.UnknownColumn)]
    [InlineData("t", null, ErrorCodes.TypeMismatch)]
    [InlineData("text", ModelTask.Regression, ErrorCodes.TypeMismatch)]
    [InlineData("three", ModelTask.Binary, ErrorCodes.BadValue)]
    [InlineData("many", ModelTask.Binary, ErrorCodes.BadValue)]
    [InlineData("one", ModelTask.Multiclass, ErrorCodes.BadValue)]
    [InlineData("null", ModelTask.Binary, ErrorCodes.BadValue)]
    public void Labels_that_do_not_fit_are_refused(string column, ModelTask? task, string code)
    {
        var error = Assert.Throws<GristmillException>(() => LabelEncoder.Fit([Table], column, task));
        Assert.Equal(code, error.Code);
        Assert.Equal(column, error.Error.Details["column"]);
    }

    [Fact]
    public void Null_and_unknown_labels_are_named_by_row()
    {
        var labels = new float[3];
        Assert.Equal("1", Assert.Throws<GristmillException>(() => LabelEncoder.Fit([Table], "null").Encode(Table, labels)).Error.Details["row"]);
        Assert.Equal("1", Assert.Throws<GristmillException>(() => LabelEncoder.Of("three", ["a", "b"]).Encode(Table, labels)).Error.Details["row"]);
        Assert.Equal(ErrorCodes.TypeMismatch, Assert.Throws<GristmillException>(() => LabelEncoder.Of("two", ["a", "b"]).Encode(Table, labels)).Code);
    }

    [Fact]
    public void Classes_are_kept_with_the_transforms()
    {
        var encoder = FeatureEncoder.Fit(new FeaturePlan([Spec(TransformKind.Impute, "many")]), [Table], "three", ModelTask.Multiclass, 1, CancellationToken.None);
        Assert.Equal(["a", "b", "é"], FeatureEncoder.Load(encoder.Save()).Label!.Classes);
    }
}
