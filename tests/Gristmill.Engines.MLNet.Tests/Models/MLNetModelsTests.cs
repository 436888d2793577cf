using Apache.Arrow;
using Apache.Arrow.Types;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

[Collection("LightGBM")]
public sealed class MLNetModelsTests : IDisposable
{
    private readonly StageHost _host = new();
    private readonly MLContext _ml = new(1);

    public void Dispose() => _host.Dispose();

    [Fact]
    public void A_chain_over_raw_columns_is_a_model()
    {
        var model = Save(out var chain, out var view);
        using (view)
        using (var predictor = _host.Models.Load(model))
        {
            Assert.Equal(ModelTask.Binary, predictor.Manifest.Task);
            Assert.Equal(["height", "age", "kind"], predictor.Manifest.Inputs.Select(i => i.Name));
            Assert.Equal([ColumnType.Number, ColumnType.Number, ColumnType.String], predictor.Manifest.Inputs.Select(i => i.Type));

            var test = TestTables.Trees(400, 8);
            using var whole = ArrowDataView.Of(test);
            var expected = chain.Transform(whole).GetColumn<float>("Probability").ToArray();
            var predictions = predictor.Predict(test.Without("tall", "weight", "grade"));
            Assert.Equal(expected, ((FloatArray)predictions.Column("score")).Values.ToArray());
            Assert.Equal(["score", "label"], predictions.Schema.FieldsList.Select(f => f.Name));
        }
    }

    [Fact]
    public void A_chain_says_why_it_has_no_ONNX_form()
    {
        var model = Save(out _, out var view);
        view.Dispose();
        var error = Assert.Throws<GristmillException>(() => _host.Models.ExportOnnx(model));
        Assert.Equal((ErrorCodes.NotExportable, "mlnet"), (error.Code, error.Error.Details["engine"]));
        Assert.Contains("ML.NET", error.Message);
    }

    [Fact]
    public void Many_threads_get_their_own_answers()
    {
        var model = Save(out _, out var view);
        view.Dispose();
        using var predictor = _host.Models.Load(model);
        var test = TestTables.Trees(300, 9).Without("tall");
        var expected = ((FloatArray)predictor.Predict(test).Column("score")).Values.ToArray();
        var wrong = 0;
        Parallel.For(0, 6, new ParallelOptions { MaxDegreeOfParallelism = 6 }, thread =>
        {
            for (var n = 0; n < 100; n++)
            {
                var i = ((n * 7) + (thread * 13)) % 300;
                if (((FloatArray)predictor.Predict(test.Slice(i, 1)).Column("score")).GetValue(0) != expected[i])
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        });
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void Other_number_types_and_missing_values_fit()
    {
        var model = Save(out _, out var view);
        view.Dispose();
        using var predictor = _host.Models.Load(model);
        var rows = TestTables.Of(
            ("kind", new StringArray.Builder().Append("ash").AppendNull().Build()),
            ("age", new Int64Array.Builder().Append(4).AppendNull().Build()),
            ("height", new FloatArray.Builder().Append(25).Append(1).Build()));
        var label = (BooleanArray)predictor.Predict(rows).Column("label");
        Assert.True(label.GetValue(0));
        Assert.False(label.GetValue(1));
    }

    [Fact]
    public void Numbers_arrive_and_leave_as_they_are_or_are_refused()
    {
        using var view = ArrowDataView.Of(TestTables.Of(
            ("id", new Int64Array.Builder().Append(1).Build()), ("small", new UInt8Array.Builder().Append(1).Build()), ("x", new DoubleArray.Builder().Append(1).Build())));
        var chain = _ml.Transforms.CopyColumns("id2", "id").Append(_ml.Transforms.CopyColumns("small2", "small")).Append(_ml.Transforms.CopyColumns("x2", "x")).Fit(view);
        using var predictor = _host.Models.Load(MLNetModels.Save(_host.Content, _ml, chain, view.Schema));
        Assert.Equal([ArrowTypeId.Int64, ArrowTypeId.UInt8, ArrowTypeId.Double], predictor.InputSchema.FieldsList.Select(f => f.DataType.TypeId));

        var same = Predict(Longs(9007199254740993), Longs(255), new DoubleArray.Builder().Append(1 / 3.0).Build());
        Assert.Equal(9007199254740993, ((Int64Array)same.Column("id2")).GetValue(0));
        Assert.Equal((byte)255, ((UInt8Array)same.Column("small2")).GetValue(0));
        Assert.Equal(1 / 3.0, ((DoubleArray)same.Column("x2")).GetValue(0));
        var unsigned = Predict(new UInt64Array.Builder().Append(9007199254740993).Build(), Longs(0), new FloatArray.Builder().AppendNull().Build());
        Assert.Equal(9007199254740993, ((Int64Array)unsigned.Column("id2")).GetValue(0));
        Assert.Equal(double.NaN, ((DoubleArray)unsigned.Column("x2")).GetValue(0));

        Refused(ErrorCodes.TypeMismatch, "id", () => Predict(new DoubleArray.Builder().Append(1.5).Build(), Longs(0), Longs(0)));
        Refused(ErrorCodes.BadValue, "id", () => Predict(new DoubleArray.Builder().Append(1e19).Build(), Longs(0), Longs(0)));
        Refused(ErrorCodes.BadValue, "small", () => Predict(Longs(0), Longs(256), Longs(0)));
        Refused(ErrorCodes.BadValue, "small", () => Predict(Longs(0), Longs(-1), Longs(0)));
        Refused(ErrorCodes.BadValue, "id", () => Predict(new Int64Array.Builder().AppendNull().Build(), Longs(0), Longs(0)));

        RecordBatch Predict(IArrowArray id, IArrowArray small, IArrowArray x) => predictor.Predict(TestTables.Of(("id", id), ("small", small), ("x", x)));

        static Int64Array Longs(long value) => new Int64Array.Builder().Append(value).Build();

        static void Refused(string code, string column, Func<object> predict)
        {
            var error = Assert.Throws<GristmillException>(predict);
            Assert.Equal((code, column, "0"), (error.Code, error.Error.Details["column"], error.Error.Details["row"]));
        }
    }

    [Fact]
    public void Missing_and_mistyped_columns_are_named()
    {
        var model = Save(out _, out var view);
        view.Dispose();
        using var predictor = _host.Models.Load(model);
        var missing = Assert.Throws<GristmillException>(() => predictor.Predict(TestTables.Trees(3, 1).Without("age")));
        Assert.Equal((ErrorCodes.UnknownColumn, "age"), (missing.Code, missing.Error.Details["column"]));
        var texts = new StringArray.Builder().AppendRange(["a", "b", "c"]).Build();
        var wrong = Assert.Throws<GristmillException>(() => predictor.Predict(TestTables.Of(("age", texts), ("height", texts), ("kind", texts))));
        Assert.Equal(ErrorCodes.TypeMismatch, wrong.Code);
        Assert.Equal(3, predictor.Predict(TestTables.Trees(3, 1)).Length);
    }

    [Fact]
    public void Classes_come_from_the_chain()
    {
        using var view = ArrowDataView.Of(TestTables.Trees(1_000, 1));
        var chain = _ml.Transforms.Conversion.MapValueToKey("Label", "grade")
            .Append(_ml.Transforms.Categorical.OneHotEncoding("k", "kind"))
            .Append(_ml.Transforms.Conversion.ConvertType("h", "height"))
            .Append(_ml.Transforms.NormalizeMeanVariance("h"))
            .Append(_ml.Transforms.Concatenate("Features", "k", "h"))
            .Append(_ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedText", "PredictedLabel")).Fit(view);
        var model = MLNetModels.Save(_host.Content, _ml, chain, view.Schema, "grade");
        using var predictor = _host.Models.Load(model);
        Assert.Equal(ModelTask.Multiclass, predictor.Manifest.Task);
        Assert.Equal(["high", "low", "mid"], predictor.Manifest.Classes.Order());
        var test = TestTables.Trees(200, 2);
        var label = (StringArray)predictor.Predict(test.Without("grade")).Column("label");
        var truth = (StringArray)test.Column("grade");
        Assert.True(Enumerable.Range(0, 200).Count(i => label.GetString(i) == truth.GetString(i)) > 150);

        // The same chain, handing out columns of its own choice.
        var named = MLNetModels.Save(_host.Content, _ml, chain, view.Schema, "grade", ["PredictedText", "Score"]);
        using var own = _host.Models.Load(named);
        Assert.Equal(ModelTask.Tensor, own.Manifest.Task);
        var columns = own.Predict(test);
        Assert.Equal(label.GetString(5), ((StringArray)columns.Column("PredictedText")).GetString(5));
        Assert.Equal(600, ((FloatArray)((FixedSizeListArray)columns.Column("Score")).Values).Length);
    }

    [Fact]
    public void Rows_that_vanish_and_outputs_that_are_not_there_are_refused()
    {
        using var view = ArrowDataView.Of(TestTables.Trees(100, 1));
        var filter = new[] { _ml.Transforms.Conversion.ConvertType("h", "height").Fit(view) }[0];
        Assert.Equal(ErrorCodes.UnknownColumn,
            Assert.Throws<GristmillException>(() => MLNetModels.Save(_host.Content, _ml, filter, view.Schema, outputs: ["nope"])).Code);
        var model = MLNetModels.Save(_host.Content, _ml, filter, view.Schema);
        Assert.Equal(["h"], _host.Models.ReadManifest(model).Outputs.Select(o => o.Name));
    }

    [Fact]
    public void A_zip_that_is_none_is_model_format()
    {
        using var package = ModelPackage.Create(_host.Content);
        File.WriteAllText(Path.Combine(package.Folder, "model.zip"), "not a zip");
        var model = package.Commit(new ModelManifest { Engine = "mlnet", Task = ModelTask.Tensor, Inputs = [], Outputs = [] });
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() => _host.Models.Load(model)).Code);
    }

    private ModelRef Save(out ITransformer chain, out ArrowDataView view)
    {
        view = ArrowDataView.Of(TestTables.Trees(1_500, 1));
        chain = _ml.Transforms.ReplaceMissingValues("a", "age").Append(_ml.Transforms.Conversion.ConvertType("a", "a"))
            .Append(_ml.Transforms.Categorical.OneHotEncoding("k", "kind"))
            .Append(_ml.Transforms.Conversion.ConvertType("h", "height"))
            .Append(_ml.Transforms.Concatenate("Features", "a", "k", "h"))
            .Append(_ml.BinaryClassification.Trainers.FastTree("tall", "Features", numberOfTrees: 20)).Fit(view);
        return MLNetModels.Save(_host.Content, _ml, chain, view.Schema, "tall");
    }
}
