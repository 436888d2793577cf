using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Engines.Onnx;

[Collection("ONNX")]
public sealed class OnnxPredictorTests : IDisposable
{
    private readonly OnnxHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Vectors_go_in_without_a_copy()
    {
        using var predictor = _host.Models.Load(await _host.Import(OnnxModels.Logistic([1, -1], 0)));
        var before = CopyCounter.Total;
        var rows = OnnxHost.Table(("x", OnnxHost.Lists(2, 0, 0, 5, 0, 0, 5)));
        var y = (FloatArray)predictor.Predict(rows).Column("y");
        Assert.Equal(before, CopyCounter.Total);
        Assert.Equal([0.5f, Sigmoid(5), Sigmoid(-5)], y.Values.ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
        var last = (FloatArray)predictor.Predict(rows.Slice(2, 1)).Column("y");
        Assert.Equal(Sigmoid(-5), last.GetValue(0)!.Value, 1e-6f);
    }

    [Fact]
    public async Task Columns_in_order_feed_one_input()
    {
        using var predictor = _host.Models.Load(await _host.Import(OnnxModels.Logistic([1, -1], 0),
            new { columns = (string[])["a", "b"], task = "binary", label = "late" }));
        Assert.Equal(ModelTask.Binary, predictor.Manifest.Task);
        var before = CopyCounter.Total;
        var rows = OnnxHost.Table(("b", new Int32Array.Builder().Append(0).Append(5).Build()), ("a", new DoubleArray.Builder().Append(5).Append(0).Build()));
        var output = predictor.Predict(rows);
        Assert.Equal(2 * 2 * sizeof(float), CopyCounter.Total - before);
        Assert.Equal(Sigmoid(5), ((FloatArray)output.Column("score")).GetValue(0)!.Value, 1e-6f);
        Assert.Equal((true, false), (((BooleanArray)output.Column("label")).GetValue(0)!.Value, ((BooleanArray)output.Column("label")).GetValue(1)!.Value));
    }

    [Fact]
    public async Task Scalars_of_the_same_bits_are_viewed_and_others_converted()
    {
        using var predictor = _host.Models.Load(await _host.Import(
            OnnxModels.Single("Add", [("a", OnnxModels.Int64, []), ("b", OnnxModels.Int64, [])], (OnnxModels.Int64, []))));
        var before = CopyCounter.Total;
        var longs = new Int64Array.Builder().Append(1).Append(1L << 60).Build();
        var sum = (Int64Array)predictor.Predict(OnnxHost.Table(("a", longs), ("b", longs))).Column("y");
        Assert.Equal([2, 1L << 61], sum.Values.ToArray());
        Assert.Equal(before, CopyCounter.Total);

        var shorts = new Int16Array.Builder().Append(-1).Append(7).Build();
        Assert.Equal([0, (1L << 60) + 7], ((Int64Array)predictor.Predict(OnnxHost.Table(("a", longs), ("b", shorts))).Column("y")).Values.ToArray());
        Assert.Equal(16, CopyCounter.Total - before);

        var fractions = OnnxHost.Table(("a", longs), ("b", OnnxHost.Floats(1, 1.5f)));
        var error = Assert.Throws<GristmillException>(() => predictor.Predict(fractions));
        Assert.Equal((ErrorCodes.TypeMismatch, "b", "1"), (error.Code, error.Error.Details["column"], error.Error.Details["row"]));
    }

    [Fact]
    public async Task Numbers_of_another_type_arrive_as_they_are_or_are_refused()
    {
        using var longs = _host.Models.Load(await _host.Import(OnnxModels.Single("Identity", [("a", OnnxModels.Int64, [])], (OnnxModels.Int64, []))));
        Assert.Equal(ArrowTypeId.Int64, longs.InputSchema.GetFieldByName("a").DataType.TypeId);
        Assert.Equal([9007199254740993], ((Int64Array)Predict(longs, new UInt64Array.Builder().Append(9007199254740993).Build())).Values.ToArray());
        Assert.Equal([1L << 60], ((Int64Array)Predict(longs, new DoubleArray.Builder().Append(1L << 60).Build())).Values.ToArray());
        AssertRefused(longs, new UInt64Array.Builder().Append(0).Append(1UL << 63).Build(), ErrorCodes.BadValue);
        AssertRefused(longs, new DoubleArray.Builder().Append(0).Append(9223372036854775808d).Build(), ErrorCodes.BadValue);
        AssertRefused(longs, new DoubleArray.Builder().Append(0).Append(double.NaN).Build(), ErrorCodes.BadValue);
        AssertRefused(longs, new DoubleArray.Builder().Append(0).Append(-0.5).Build(), ErrorCodes.TypeMismatch);

        using var doubles = _host.Models.Load(await _host.Import(OnnxModels.Single("Identity", [("a", OnnxModels.Double, [])], (OnnxModels.Double, []))));
        Assert.Equal(ArrowTypeId.Double, doubles.InputSchema.GetFieldByName("a").DataType.TypeId);
        Assert.Equal([1 / 3.0], ((DoubleArray)Predict(doubles, new DoubleArray.Builder().Append(1 / 3.0).Build())).Values.ToArray());
        Assert.Equal([9007199254740991], ((DoubleArray)Predict(doubles, new Int64Array.Builder().Append(9007199254740991).Build())).Values.ToArray());

        using var floats = _host.Models.Load(await _host.Import(OnnxModels.Single("Identity", [("a", OnnxModels.Float, [])], (OnnxModels.Float, []))));
        Assert.Equal([0.1f, float.PositiveInfinity], ((FloatArray)Predict(floats, new DoubleArray.Builder().Append(0.1).Append(double.PositiveInfinity).Build())).Values.ToArray());
        AssertRefused(floats, new DoubleArray.Builder().Append(0).Append(1e39).Build(), ErrorCodes.BadValue);

        // Of a model that takes one row at a time the row is still the batch's, and of a tensor the row, not the number.
        using var one = _host.Models.Load(await _host.Import(OnnxModels.Logistic([1, -1], 0, batch: "1")));
        AssertRefused(one, List(new DoubleArray.Builder().AppendRange([1, 2, 3, 1e39]).Build()), ErrorCodes.BadValue, "x");

        static IArrowArray Predict(IPredictor predictor, IArrowArray column) => predictor.Predict(OnnxHost.Table(("a", column))).Column("y");

        static FixedSizeListArray List(DoubleArray items) =>
            new(new FixedSizeListType(new Field("item", DoubleType.Default, false), 2), items.Length / 2, items, ArrowBuffer.Empty, 0, 0);

        static void AssertRefused(IPredictor predictor, IArrowArray column, string code, string name = "a")
        {
            var error = Assert.Throws<GristmillException>(() => predictor.Predict(OnnxHost.Table((name, column))));
            Assert.Equal((code, name, "1"), (error.Code, error.Error.Details["column"], error.Error.Details["row"]));
        }
    }

    [Fact]
    public async Task Text_goes_in_and_comes_out()
    {
        using var predictor = _host.Models.Load(await _host.Import(
            OnnxModels.Single("Identity", [("s", OnnxModels.Text, [])], (OnnxModels.Text, []))));
        var before = CopyCounter.Total;
        var text = (StringArray)predictor.Predict(OnnxHost.Table(("s", new StringArray.Builder().Append("größe").Append("").Build()))).Column("y");
        Assert.Equal(["größe", ""], [text.GetString(0), text.GetString(1)]);
        Assert.Equal(7, CopyCounter.Total - before);
    }

    [Fact]
    public async Task Booleans_fit()
    {
        using var predictor = _host.Models.Load(await _host.Import(
            OnnxModels.Single("Not", [("b", OnnxModels.Boolean, [])], (OnnxModels.Boolean, []))));
        var flipped = (BooleanArray)predictor.Predict(OnnxHost.Table(("b", new BooleanArray.Builder().Append(true).Append(false).Build()))).Column("y");
        Assert.Equal((false, true), (flipped.GetValue(0)!.Value, flipped.GetValue(1)!.Value));
    }

    [Fact]
    public async Task Classes_and_fixed_batches()
    {
        var softmax = OnnxModels.Single("Softmax", [("x", OnnxModels.Float, [3])], (OnnxModels.Float, [3]));
        using var predictor = _host.Models.Load(await _host.Import(softmax, new { task = "multiclass", classes = (string[])["a", "b", "c"] }));
        var label = (StringArray)predictor.Predict(OnnxHost.Table(("x", OnnxHost.Lists(3, 0, 9, 0, 1, 2, 5)))).Column("label");
        Assert.Equal(["b", "c"], [label.GetString(0), label.GetString(1)]);

        using var one = _host.Models.Load(await _host.Import(OnnxModels.Logistic([1, -1], 0, batch: "1")));
        var y = (FloatArray)one.Predict(OnnxHost.Table(("x", OnnxHost.Lists(2, 0, 0, 5, 0)))).Column("y");
        Assert.Equal([0.5f, Sigmoid(5)], y.Values.ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public async Task Many_threads_share_a_session()
    {
        using var predictor = _host.Models.Load(await _host.Import(OnnxModels.Logistic([1, -1], 0)));
        var wrong = 0;
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, thread =>
        {
            for (var i = 0; i < 200; i++)
            {
                var y = (FloatArray)predictor.Predict(OnnxHost.Table(("x", OnnxHost.Lists(2, thread, i % 10)))).Column("y");
                if (Math.Abs(y.GetValue(0)!.Value - Sigmoid(thread - (i % 10))) > 1e-5)
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        });
        Assert.Equal(0, wrong);
    }

    [Fact]
    public async Task What_does_not_fit_is_named()
    {
        using var predictor = _host.Models.Load(await _host.Import(OnnxModels.Logistic([1, -1], 0)));
        Assert.Equal(ErrorCodes.UnknownColumn, Refused(("z", OnnxHost.Floats(1))).Code);
        Assert.Equal(ErrorCodes.TypeMismatch, Refused(("x", OnnxHost.Floats(1))).Code);
        Assert.Equal(ErrorCodes.TypeMismatch, Refused(("x", OnnxHost.Lists(3, 1, 2, 3))).Code);

        using var sum = _host.Models.Load(await _host.Import(
            OnnxModels.Single("Neg", [("a", OnnxModels.Float, [])], (OnnxModels.Float, []))));
        var error = Assert.Throws<GristmillException>(() => sum.Predict(OnnxHost.Table(("a", new FloatArray.Builder().Append(1).AppendNull().Build()))));
        Assert.Equal((ErrorCodes.BadValue, "a", "1"), (error.Code, error.Error.Details["column"], error.Error.Details["row"]));

        GristmillException Refused((string, IArrowArray) column) => Assert.Throws<GristmillException>(() => predictor.Predict(OnnxHost.Table(column)));
    }

    [Fact]
    public async Task A_disposed_model_says_so()
    {
        var predictor = _host.Models.Load(await _host.Import(OnnxModels.Logistic([1, -1], 0)));
        predictor.Dispose();
        Assert.Throws<ObjectDisposedException>(() => predictor.Predict(OnnxHost.Table(("x", OnnxHost.Lists(2, 0, 0)))));
    }

    private static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));
}
