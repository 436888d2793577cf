using Microsoft.ML.OnnxRuntime;

namespace Gristmill.Engines.Onnx;

/// <summary>An exported model in ONNX Runtime.</summary>
internal sealed class OnnxRun : IDisposable
{
    private readonly InferenceSession _session;

    internal OnnxRun(Stream file)
    {
        using var copy = new MemoryStream();
        using (file)
        {
            file.CopyTo(copy);
        }

        using var options = new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        _session = new InferenceSession(copy.ToArray(), options);
    }

    internal IReadOnlyList<string> Outputs => _session.OutputNames;

    internal IReadOnlyDictionary<string, string> Metadata => _session.ModelMetadata.CustomMetadataMap;

    internal int Width => _session.InputMetadata[OnnxExport.Input].Dimensions[1];

    /// <summary>What a model says of encoded rows: of a binary model the probability of yes.</summary>
    internal float[] Scores(float[] rows, ModelTask task)
    {
        using var results = Run(rows, task == ModelTask.Regression ? OnnxExport.Variable : OnnxExport.Probabilities);
        var all = results[0].GetTensorDataAsSpan<float>().ToArray();
        return task == ModelTask.Binary ? [.. all.Where((_, i) => i % 2 == 1)] : all;
    }

    internal long[] Numbers(float[] rows)
    {
        using var results = Run(rows, OnnxExport.Label);
        return results[0].GetTensorDataAsSpan<long>().ToArray();
    }

    internal string[] Texts(float[] rows)
    {
        using var results = Run(rows, OnnxExport.Label);
        return results[0].GetStringTensorAsArray();
    }

    public void Dispose() => _session.Dispose();

    private IDisposableReadOnlyCollection<OrtValue> Run(float[] rows, string output)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(rows, [rows.Length / Width, Width]);
        using var options = new RunOptions();
        return _session.Run(options, [OnnxExport.Input], [input], [output]);
    }
}
