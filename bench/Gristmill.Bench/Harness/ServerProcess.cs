using System.Diagnostics;

namespace Gristmill.Bench;

/// <summary>A server in a process of its own, so that its CPU time can be told from the caller's.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;
    private readonly string? _folder;

    private ServerProcess(Process process, string url, string? folder)
    {
        _process = process;
        _folder = folder;
        Url = new Uri(url);
    }

    /// <summary>The published silo, as users run it; without the launcher the one that was built with the benches.</summary>
    private static string SiloProgram => Environment.GetEnvironmentVariable("GRISTMILL_SILO") is { Length: > 0 } published
        ? published
        : Path.Combine(AppContext.BaseDirectory, "Gristmill.Silo.dll");

    public Uri Url { get; }

    public int Id => _process.Id;

    /// <summary>A silo on a free port, with a data folder of its own that goes with it.</summary>
    /// <param name="prepare">Puts something into the folder first.</param>
    public static async Task<ServerProcess> StartSiloAsync(Func<string, Task>? prepare = null, params string[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("gristmill-bench-").FullName;
        await (prepare?.Invoke(folder) ?? Task.CompletedTask);
        var port = LoopbackPort.Free();
        var url = $"http://127.0.0.1:{port}";
        var process = Start(SiloProgram, [$"--urls={url}", $"--Gristmill:DataDirectory={folder}", $"--Gristmill:ObjectDirectory={ObjectDirectory(folder)}", .. settings]);
        process.BeginOutputReadLine();
        using var http = new HttpClient();
        for (var i = 0; i < 3000; i++)
        {
            try
            {
                if ((await http.GetAsync(new Uri(url + "/health/ready"))).IsSuccessStatusCode)
                {
                    return new ServerProcess(process, url, folder);
                }
            }
            catch (HttpRequestException) when (!process.HasExited)
            {
                // Not up yet.
            }

            await Task.Delay(10);
        }

        throw new InvalidOperationException("The silo did not become ready.");
    }

    /// <summary>This program in one of its server roles.</summary>
    public static ServerProcess StartSelf(params string[] arguments)
    {
        var process = Start(typeof(ServerProcess).Assembly.Location, arguments);
        return new ServerProcess(process, process.StandardOutput.ReadLine()!, null);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (_folder is not null)
        {
            // SIGTERM, as an operator would: the silo leaves in order and its workers with it.
            using var kill = Process.Start("kill", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
            kill.WaitForExit();
        }

        if (!_process.WaitForExit(15000))
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
        if (_folder is not null)
        {
            Directory.Delete(_folder, recursive: true);
            if (Directory.Exists(ObjectDirectory(_folder)))
            {
                Directory.Delete(ObjectDirectory(_folder), recursive: true);
            }
        }
    }

    // Named after the data folder, so that it can be found and removed with it.
    private static string ObjectDirectory(string folder) =>
        Directory.Exists("/dev/shm") ? Path.Combine("/dev/shm", Path.GetFileName(folder)) : Path.Combine(folder, "objects");

    private static Process Start(string assembly, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(assembly);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        return process;
    }
}
