using System.Runtime.InteropServices;

namespace Gristmill.Engines.Onnx;

/// <summary>
/// ONNX Runtime's builds for Linux measure their use: a device id and a queue of events under the user's cache folder,
/// sent to Microsoft. Its C API can stop the events only after they have started, so it is told by its environment,
/// which .NET's own does not reach.
/// </summary>
internal static partial class OnnxTelemetry
{
    /// <summary>Turns it off; to be called before the library's first use. A value that is already set is left.</summary>
    internal static void Disable()
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = setenv("ORT_DISABLE_TELEMETRY", "1", 0);
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
