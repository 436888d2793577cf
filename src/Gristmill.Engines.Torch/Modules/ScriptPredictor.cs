using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Torch.Interop;
using static TorchSharp.torch;

namespace Gristmill.Engines.Torch;

/// <summary>Runs a TorchScript file: one tensor column in, one tensor column out.</summary>
internal sealed class ScriptPredictor : IPredictor
{
    private readonly jit.ScriptModule<Tensor, Tensor> _script;
    private readonly int _threads;
    private readonly long[] _inputShape;
    private readonly long[] _outputShape;

    private ScriptPredictor(ModelManifest manifest, jit.ScriptModule<Tensor, Tensor> script, int threads)
    {
        Manifest = manifest;
        _script = script;
        _threads = threads;
        _inputShape = Shape(manifest.Inputs);
        _outputShape = Shape(manifest.Outputs);
    }

    /// <inheritdoc/>
    public ModelManifest Manifest { get; }

    private int InputWidth => (int)_inputShape.Aggregate(1L, (a, b) => checked(a * b));

    private int OutputWidth => (int)_outputShape.Aggregate(1L, (a, b) => checked(a * b));

    /// <summary>Loads the file.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ModelFormat"/>.</exception>
    public static ScriptPredictor Load(string folder, ModelManifest manifest, int threads)
    {
        TorchRuntime.EnsureLoaded();
        if (manifest.Inputs.Length != 1 || manifest.Outputs.Length != 1)
        {
            throw new GristmillException(ErrorCodes.ModelFormat, "A TorchScript package has one input and one output column.");
        }

        try
        {
            var script = jit.load<Tensor, Tensor>(Path.Combine(folder, TorchModels.ScriptFile));
            script.eval();
            return new ScriptPredictor(manifest, script, threads);
        }
        catch (Exception e) when (e is ExternalException or IOException)
        {
            throw new GristmillException(ErrorCodes.ModelFormat, $"torch cannot load the TorchScript file: {TorchErrors.FirstLine(e.Message)}",
                "Save it with torch.jit.save; pickled modules (torch.save) are not TorchScript.", e);
        }
    }

    /// <summary>Runs two rows of zeros through, to see that the shapes are as the manifest says.</summary>
    public void Try()
    {
        using var scope = NewDisposeScope();
        Run(zeros([2, .. _inputShape]), 2);
    }

    /// <inheritdoc/>
    public RecordBatch Predict(RecordBatch rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var name = Manifest.Inputs[0].Name;
        var index = rows.Schema.FieldsList.ToList().FindIndex(f => f.Name == name);
        if (index < 0)
        {
            throw new GristmillException(ErrorCodes.UnknownColumn, $"Column '{name}' is missing.", "Give a fixed-size list of floats of that name.").With("column", name);
        }

        if (rows.Column(index) is not FixedSizeListArray list || list.Values is not FloatArray values || list.NullCount + values.NullCount > 0
            || ((FixedSizeListType)list.Data.DataType).ListSize != InputWidth)
        {
            throw new GristmillException(ErrorCodes.TypeMismatch, $"Column '{name}' is no fixed-size list of {InputWidth} floats without nulls.",
                $"The model takes tensors of shape [{string.Join(", ", _inputShape)}], row-major.").With("column", name);
        }

        using var scope = NewDisposeScope();
        var floats = values.Values.Slice(list.Offset * InputWidth, rows.Length * InputWidth);
        var result = new float[rows.Length * OutputWidth];
        if (rows.Length > 0)
        {
            ForeignTensors.Lend(floats, rows.Length, InputWidth, m =>
            {
                ForeignTensors.AsSpan<float>(Run(m.view([rows.Length, .. _inputShape]), rows.Length)).CopyTo(result);
                return true;
            });
        }

        var type = new FixedSizeListType(new Field("item", FloatType.Default, nullable: false), OutputWidth);
        var array = new FloatArray(new ArrowBuffer(MemoryMarshal.AsBytes(result.AsSpan()).ToArray()), ArrowBuffer.Empty, result.Length, 0, 0);
        return new RecordBatch(
            new Schema([new Field(Manifest.Outputs[0].Name, type, nullable: false)], null),
            [new FixedSizeListArray(type, rows.Length, array, ArrowBuffer.Empty, 0, 0)], rows.Length);
    }

    /// <inheritdoc/>
    public void Dispose() => _script.Dispose();

    private Tensor Run(Tensor input, int rows)
    {
        TorchRuntime.SetThreads(_threads);
        using var noGrad = no_grad();
        Tensor output;
        try
        {
            output = _script.call(input).to(ScalarType.Float32).contiguous();
        }
        catch (ExternalException e)
        {
            throw TorchErrors.Of(e.Message, e);
        }

        return output.shape.AsSpan().SequenceEqual([rows, .. _outputShape])
            ? output
            : throw new GristmillException(ErrorCodes.ModelFormat,
                $"The script gave [{string.Join(", ", output.shape)}] for {rows} rows, where [{string.Join(", ", _outputShape.Prepend(rows))}] was due.",
                "Name the output's shape without its rows.");
    }

    private static long[] Shape(System.Collections.Immutable.ImmutableArray<ColumnSignature> columns) =>
        columns[0].Shape is { } shape && shape.All(s => s > 0)
            ? [.. shape]
            : throw new GristmillException(ErrorCodes.ModelFormat, $"Column '{columns[0].Name}' has no fixed shape.", "Name each size of one row's tensor.");
}
