using Apache.Arrow;

namespace Gristmill.Engines;

/// <summary>A loaded model. Safe for many threads at once.</summary>
public interface IPredictor : IDisposable
{
    /// <summary>Its manifest.</summary>
    ModelManifest Manifest { get; }

    /// <summary>
    /// The manifest's inputs in the types that the model computes with, for whoever makes a batch out of text: in them numbers
    /// arrive as they were sent. <see cref="Predict"/> takes other number types too.
    /// </summary>
    /// <value>Of an engine that does not say: 32-bit floats for numbers and tensors.</value>
    Schema InputSchema => InputTypes.Schema(Manifest);

    /// <summary>Predicts a batch whose columns fit <see cref="ModelManifest.Inputs"/>; returns one row a row with the manifest's output columns.</summary>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming the field.</exception>
    RecordBatch Predict(RecordBatch rows);
}

/// <summary>
/// A predictor over a dense feature matrix made by a <see cref="FeatureEncoder"/>: the hot path of serving decodes JSON
/// straight into the matrix, so that training and serving apply the very same transforms.
/// </summary>
public interface IMatrixPredictor : IPredictor
{
    /// <summary>The fitted encoder.</summary>
    FeatureEncoder Encoder { get; }

    /// <summary>Numbers per row in the score output: 1, or the number of classes.</summary>
    int ScoresPerRow { get; }

    /// <summary>
    /// Whether a row's scores have the same bits whatever rows are scored with it, and cost more than looking the row up among others:
    /// then equal rows of a table are scored once.
    /// </summary>
    /// <value>false</value>
    bool ScoresRowsAlone => false;

    /// <summary>Scores rows: probabilities for binary and multiclass tasks, values for regression.</summary>
    /// <param name="features">rows x Encoder.Width, row-major.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="scores">rows x ScoresPerRow, row-major.</param>
    void Score(ReadOnlySpan<float> features, int rows, Span<float> scores);
}

/// <summary>Loads the models of one engine.</summary>
public interface IModelEngine
{
    /// <summary>Engine name in manifests.</summary>
    string Name { get; }

    /// <summary>Loads a package.</summary>
    /// <param name="folder">The package's folder, read-only.</param>
    /// <param name="manifest">Its manifest, already read and checked.</param>
    /// <param name="threads">Threads one prediction may use.</param>
    IPredictor Load(string folder, ModelManifest manifest, int threads);

    /// <summary>The model as an ONNX file, by managed code alone: no library is loaded and nothing is trained or tried.</summary>
    /// <param name="folder">The package's folder, read-only.</param>
    /// <param name="manifest">Its manifest, already read and checked.</param>
    /// <returns>The file's bytes; the caller disposes the stream.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotExportable"/>, saying why; what an engine without an export throws.</exception>
    Stream ExportOnnx(string folder, ModelManifest manifest) =>
        throw OnnxExport.Refuse(manifest, "its engine has no export", "Train the model with LightGBM or torch.mlp.");
}
