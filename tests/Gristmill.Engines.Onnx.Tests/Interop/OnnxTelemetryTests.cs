using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Gristmill.Engines.Onnx;

[Collection("ONNX")]
public sealed partial class OnnxTelemetryTests : IDisposable
{
    private static readonly string s_cache = Path.Combine(Path.GetTempPath(), $"gristmill-onnx-cache-{Environment.ProcessId}");

    private readonly OnnxHost _host = new();

    /// <summary>Before ONNX Runtime loads in this process: its cache would be in a folder of our own.</summary>
    [ModuleInitializer]
    internal static void Redirect()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = setenv("XDG_CACHE_HOME", s_cache, 1);
        }
    }

    public void Dispose()
    {
        _host.Dispose();
        if (Directory.Exists(s_cache))
        {
            Directory.Delete(s_cache, recursive: true);
        }
    }

    [Fact]
    public async Task Nothing_is_left_in_the_users_cache()
    {
        using var predictor = _host.Models.Load(await _host.Import(OnnxModels.Logistic([1, -1], 0)));
        predictor.Predict(OnnxHost.Table(("x", OnnxHost.Lists(2, 0, 0))));
        Assert.False(Directory.Exists(s_cache), "ONNX Runtime wrote into the user's cache folder.");
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
