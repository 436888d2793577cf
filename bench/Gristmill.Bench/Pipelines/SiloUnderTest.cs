using System.Globalization;
using Gristmill.Client;

namespace Gristmill.Bench.Pipelines;

/// <summary>A silo in a process of its own with a fresh data folder, and what a span of its work cost.</summary>
internal sealed class SiloUnderTest : IDisposable
{
    private readonly ServerProcess _process;
    private readonly string _folder;
    private readonly HttpClient _http = new();

    private SiloUnderTest(ServerProcess process, string folder)
    {
        _process = process;
        _folder = folder;
        Client = new GristmillClient(process.Url.ToString());
    }

    public GristmillClient Client { get; }

    /// <summary>The file of the state, where it is SQLite's.</summary>
    public string Database => Path.Combine(_folder, "gristmill.db");

    public Uri Url => _process.Url;

    public int ProcessId => _process.Id;

    public static SiloUnderTest Start(params string[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("gristmill-bench-").FullName;
        var process = ServerProcess.StartSelf(
            [BenchSilo.Role, $"--Gristmill:DataDirectory={folder}", $"--Gristmill:ObjectDirectory={Path.Combine(folder, "objects")}", .. settings]);
        return new SiloUnderTest(process, folder);
    }

    /// <summary>CPU-seconds of the silo and its workers so far, and bytes that the silo has allocated.</summary>
    public async Task<(double CpuSeconds, long Allocated)> CostAsync() => (
        ProcessClock.TreeCpuSeconds(_process.Id),
        long.Parse(await _http.GetStringAsync(new Uri(Url, "/bench/allocated")), CultureInfo.InvariantCulture));

    public Task<string> LargestMessageAsync() => _http.GetStringAsync(new Uri(Url, "/bench/largest-message"));

    public void Dispose()
    {
        Client.Dispose();
        _http.Dispose();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
