using Apache.Arrow;
using Apache.Arrow.Types;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Gristmill.Engines.Torch;

public sealed class TorchModelsTests : IDisposable
{
    private readonly TempStore _temp = new();

    public TorchModelsTests() => TorchRuntime.EnsureLoaded();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_module_of_ones_own_deploys_and_scores_as_it_did()
    {
        var table = Rows([1, 2, 3, 4], [0.5f, -1, 2, 0]);
        var encoder = FeatureEncoder.Fit(new FeaturePlan([new(TransformKind.Number, ["a"]), new(TransformKind.Number, ["b"])]), [table], null);
        using var module = new Tiny(2, 8);
        module.eval();
        var model = TorchModels.SaveModule(_temp.Content, module, encoder, ModelTask.Binary, arguments: [2, 8]);

        using var predictor = (IMatrixPredictor)Loader().Load(model, 1);
        var scores = new float[4];
        predictor.Score([1, 0.5f, 2, -1, 3, 2, 4, 0], 4, scores);

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var expected = module.call(tensor(new float[] { 1, 0.5f, 2, -1, 3, 2, 4, 0 }, [4, 2])).sigmoid().squeeze(1).data<float>().ToArray();
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(expected[i], scores[i], 1e-6f);
        }

        using var predicted = predictor.Predict(table);
        Assert.Equal(4, predicted.Length);
        Assert.Equal(ErrorCodes.NotExportable, Assert.Throws<GristmillException>(() => Loader().ExportOnnx(model)).Code);
    }

    [Fact]
    public void A_type_that_is_not_there_when_it_is_loaded_is_a_code_error()
    {
        var encoder = FeatureEncoder.Fit(new FeaturePlan([new(TransformKind.Number, ["a"]), new(TransformKind.Number, ["b"])]), [Rows([1], [2])], null);
        using var module = new Tiny(2, 8);
        var code = new CodeRef(new string('a', 64), "mine.dll");
        var model = TorchModels.SaveModule(_temp.Content, module, encoder, ModelTask.Regression, code, [2, 8]);
        CodeRef? asked = null;
        var loader = new ModelLoader(_temp.Content, [new TorchModelEngine((_, c) =>
        {
            asked = c;
            return null;
        })]);
        Assert.Equal(ErrorCodes.CodeLoad, Assert.Throws<GristmillException>(() => loader.Load(model)).Code);
        Assert.Equal(code, asked);
    }

    [Fact]
    public void A_module_that_could_not_be_built_again_is_refused_when_it_is_saved()
    {
        var encoder = FeatureEncoder.Fit(new FeaturePlan([new(TransformKind.Number, ["a"])]), [Rows([1], [2])], null);
        using var module = new Tiny(1, 8);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => TorchModels.SaveModule(_temp.Content, module, encoder, ModelTask.Binary)).Code);
    }

    [Fact]
    public void A_module_that_gives_another_number_of_scores_is_a_clear_error()
    {
        var encoder = FeatureEncoder.Fit(new FeaturePlan([new(TransformKind.Number, ["a"]), new(TransformKind.Number, ["b"])]), [Rows([1], [2])], null);
        using var module = new Wide();
        var model = TorchModels.SaveModule(_temp.Content, module, encoder, ModelTask.Binary);
        using var predictor = (IMatrixPredictor)Loader().Load(model, 1);
        var error = Assert.Throws<GristmillException>(() => predictor.Score([1, 2], 1, new float[1]));
        Assert.Contains("[1, 5]", error.Message);
    }

    [Fact]
    public void What_is_no_TorchScript_is_refused()
    {
        File.WriteAllText(_temp.File("no.pt"), "no script");
        var error = Assert.Throws<GristmillException>(() => TorchModels.SaveScript(_temp.Content, _temp.File("no.pt"), [2], [1]));
        Assert.Equal(ErrorCodes.ModelFormat, error.Code);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(ErrorCodes.FileNotFound, Assert.Throws<GristmillException>(() => TorchModels.SaveScript(_temp.Content, _temp.File("absent.pt"), [2], [1])).Code);
    }

    [Fact]
    public void A_TorchScript_file_from_Python_is_served_as_it_stands()
    {
        var file = Path.Combine(AppContext.BaseDirectory, "Modules", "double_sum.pt");
        var model = TorchModels.SaveScript(_temp.Content, file, [2, 3], [2]);
        using var predictor = Loader().Load(model, 1);
        var list = new FixedSizeListType(new Field("item", FloatType.Default, false), 6);
        var values = new FloatArray.Builder().AppendRange([1, 2, 3, 4, 5, 6, 0, 0, 0, 1, 1, 1]).Build();
        var rows = new RecordBatch(new Schema([new Field("input", list, false)], null), [new FixedSizeListArray(list, 2, values, ArrowBuffer.Empty, 0, 0)], 2);

        using var output = predictor.Predict(rows);

        Assert.Equal([12f, 30, 0, 6], ((FloatArray)((FixedSizeListArray)output.Column("output")).Values).Values.ToArray());
        Assert.Equal(ErrorCodes.TypeMismatch, Assert.Throws<GristmillException>(() => predictor.Predict(Named("input"))).Code);
        Assert.Equal(ErrorCodes.UnknownColumn, Assert.Throws<GristmillException>(() => predictor.Predict(Named("a"))).Code);
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() => TorchModels.SaveScript(_temp.Content, file, [2, 3], [5])).Code);
    }

    private ModelLoader Loader() => new(_temp.Content, [new TorchModelEngine()]);

    private static RecordBatch Named(string name) => new(
        new Schema([new Field(name, FloatType.Default, false)], null), [new FloatArray.Builder().Append(1).Build()], 1);

    private static RecordBatch Rows(float[] a, float[] b) => new(
        new Schema([new Field("a", FloatType.Default, false), new Field("b", FloatType.Default, false)], null),
        [new FloatArray.Builder().AppendRange(a).Build(), new FloatArray.Builder().AppendRange(b).Build()], a.Length);

    public sealed class Tiny : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _first;
        private readonly Linear _second;

        public Tiny(int inputs, int hidden) : base(nameof(Tiny))
        {
            _first = nn.Linear(inputs, hidden);
            _second = nn.Linear(hidden, 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => _second.call(nn.functional.relu(_first.call(input)));
    }

    public sealed class Wide : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _only = nn.Linear(2, 5);

        public Wide() : base(nameof(Wide)) => RegisterComponents();

        public override Tensor forward(Tensor input) => _only.call(input);
    }
}
