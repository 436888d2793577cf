using Microsoft.ML;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

/// <summary>Scores one encoded row at a time with an ML.NET model over a feature vector. One thread at a time.</summary>
internal sealed class MatrixRowFunction : IDisposable
{
    private readonly float[] _features;
    private readonly InputRow _input;
    private readonly DataViewRow _output;
    private readonly ValueGetter<float>? _one;
    private readonly ValueGetter<VBuffer<float>>? _many;
    private VBuffer<float> _scores;

    internal MatrixRowFunction(ITransformer model, DataViewSchema schema, int width, ModelTask task)
    {
        _features = new float[width];
        _input = new InputRow(schema, Getter);
        var mapper = model.GetRowToRowMapper(schema);
        var name = task == ModelTask.Binary ? "Probability" : "Score";
        var column = mapper.OutputSchema[name];
        _output = mapper.GetRow(_input, [column]);
        if (task == ModelTask.Multiclass)
        {
            _many = _output.GetGetter<VBuffer<float>>(column);
        }
        else
        {
            _one = _output.GetGetter<float>(column);
        }
    }

    internal void Score(ReadOnlySpan<float> features, Span<float> scores)
    {
        features.CopyTo(_features);
        _input.Move();
        if (_one is not null)
        {
            _one(ref scores[0]);
            return;
        }

        _many!(ref _scores);
        _scores.CopyTo(scores);
    }

    public void Dispose() => _output.Dispose();

    private Delegate Getter(DataViewSchema.Column column) => column.Name == FeatureEncoder.FeaturesColumn
        ? (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
        {
            var editor = VBufferEditor.Create(ref value, _features.Length);
            _features.CopyTo(editor.Values);
            value = editor.Commit();
        })
        : throw new InvalidOperationException($"The model reads '{column.Name}' to predict.");
}
