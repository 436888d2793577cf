using Microsoft.ML.OnnxRuntime;

namespace Gristmill.Engines.Onnx;

/// <summary>Opens sessions the way this host wants them.</summary>
internal static class OnnxSession
{
    private static readonly Lock Gate = new();
    private static bool s_started;

    /// <summary>Loads a model for any number of calling threads.</summary>
    /// <param name="path">The file.</param>
    /// <param name="threads">Threads one run may use.</param>
    /// <exception cref="GristmillException">model.format; native.library.</exception>
    internal static InferenceSession Open(string path, int threads)
    {
        Start();
        using var options = new SessionOptions
        {
            IntraOpNumThreads = Math.Max(1, threads),
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };

        // Idle threads sleep: spinning ones take the core from other engines.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        options.AddSessionConfigEntry("session.inter_op.allow_spinning", "0");
        try
        {
            return new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new GristmillException(ErrorCodes.ModelFormat, $"'{Path.GetFileName(path)}' is not a model that ONNX Runtime can load: {FirstLine(e.Message)}",
                "Export it again; weights must be inside the file.", e).With("file", Path.GetFileName(path));
        }
    }

    internal static string FirstLine(string text)
    {
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        return end < 0 ? text : text[..end];
    }

    private static void Start()
    {
        lock (Gate)
        {
            if (s_started)
            {
                return;
            }

            try
            {
                // Nobody here asked to be measured.
                OnnxTelemetry.Disable();
                OrtEnv.Instance().DisableTelemetryEvents();
                s_started = true;
            }
            catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or BadImageFormatException or EntryPointNotFoundException)
            {
                throw new GristmillException(ErrorCodes.NativeLibrary, $"ONNX Runtime's native library could not be loaded: {FirstLine(e.Message)}",
                    "Run on x86-64 or arm64 with the package's native files beside the program.", e).With("library", "onnxruntime");
            }
        }
    }
}
