using Apache.Arrow;
using Gristmill.Objects;

namespace Gristmill.Engines;

/// <summary>
/// Models that score with what their features say: binary sigmoid(x), regression x, multiclass softmax over the features. Sign -1 in the
/// settings turns x around. "plain" hides that they are matrix predictors.
/// </summary>
internal sealed class TestEngine(string name = "test") : IModelEngine
{
    public string Name => name;

    public IPredictor Load(string folder, ModelManifest manifest, int threads)
    {
        var predictor = new TestPredictor(manifest, MatrixPredictorBase.LoadEncoder(folder, manifest));
        return name == "plain" ? new Plain(predictor) : predictor;
    }

    public static ModelRef Package(ContentStore content, FeatureEncoder encoder, ModelTask task, string label, int sign = 1, string engine = "test", params string[] classes)
    {
        using var package = ModelPackage.Create(content);
        File.WriteAllText(Path.Combine(package.Folder, "model.txt"), $"sign {sign}");
        return package.Commit(new ModelManifest
        {
            Engine = engine,
            Task = task,
            Inputs = encoder.Inputs,
            Outputs = PredictionOutput.Columns(task, classes.Length),
            Label = label,
            Classes = [.. classes],
            Settings = System.Collections.Immutable.ImmutableDictionary<string, string>.Empty.Add("sign", $"{sign}"),
        }, encoder);
    }

    private sealed class TestPredictor(ModelManifest manifest, FeatureEncoder encoder) : MatrixPredictorBase(manifest, encoder)
    {
        public override void Score(ReadOnlySpan<float> features, int rows, Span<float> scores)
        {
            var sign = float.Parse(Manifest.Settings["sign"], System.Globalization.CultureInfo.InvariantCulture);
            for (var r = 0; r < rows; r++)
            {
                var row = features.Slice(r * Encoder.Width, Encoder.Width);
                var own = scores.Slice(r * ScoresPerRow, ScoresPerRow);
                if (Manifest.Task == ModelTask.Multiclass)
                {
                    var sum = 0f;
                    for (var c = 0; c < own.Length; c++)
                    {
                        own[c] = MathF.Exp(row[c]);
                        sum += own[c];
                    }

                    for (var c = 0; c < own.Length; c++)
                    {
                        own[c] /= sum;
                    }
                }
                else
                {
                    own[0] = Manifest.Task == ModelTask.Binary ? 1 / (1 + MathF.Exp(-sign * row[0])) : sign * row[0];
                }
            }
        }
    }

    private sealed class Plain(IPredictor inner) : IPredictor
    {
        public ModelManifest Manifest => inner.Manifest;

        public RecordBatch Predict(RecordBatch rows) => inner.Predict(rows);

        public void Dispose() => inner.Dispose();
    }
}
