using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Gristmill.Hosting;

/// <summary>The real silo program in a process of its own, with a data folder that outlives its deaths and goes with the test.</summary>
public sealed class SiloProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly string[] _settings;
    private readonly string[] _command;
    private readonly string _address;
    private readonly ConcurrentQueue<string> _log = new();
    private Process? _process;

    private SiloProcess(string[] settings, string[] command, string address)
    {
        (_settings, _command, _address) = (settings, command, address);
        Folder = Directory.CreateTempSubdirectory("gristmill-silo-").FullName;
        DataDirectory = Path.Combine(Folder, "data");
        ObjectDirectory = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Folder, Path.GetFileName(Folder));
        Http = new HttpClient { Timeout = s_patience };
    }

    /// <summary>Scratch space of the test.</summary>
    public string Folder { get; }

    public string DataDirectory { get; }

    public string ObjectDirectory { get; }

    public HttpClient Http { get; private set; }

    public int Id => _process!.Id;

    /// <summary>What it ended with, 128 and the signal's number if that ended it; null while it runs.</summary>
    public int? ExitCode => _process is { HasExited: true } ? _process.ExitCode : null;

    public string Log => string.Join('\n', _log);

    public static async Task<SiloProcess> StartAsync(params string[] settings)
    {
        var silo = new SiloProcess(settings, [], "127.0.0.1");
        await silo.StartAsync();
        return silo;
    }

    /// <summary>Starts one on another machine.</summary>
    /// <param name="address">The machine's address.</param>
    /// <param name="command">Runs there what follows it.</param>
    /// <param name="settings">Its settings.</param>
    public static async Task<SiloProcess> StartOnAsync(string address, string[] command, params string[] settings)
    {
        var silo = new SiloProcess([.. settings, $"--Gristmill:Address={address}", "--AllowedHosts=*"], command, address);
        await silo.StartAsync();
        return silo;
    }

    /// <summary>Starts the program (again) and waits until it is ready.</summary>
    public async Task StartAsync()
    {
        var url = $"http://{_address}:{LoopbackPort.Free()}";
        _process = Launch(url);
        Http.Dispose();
        Http = new HttpClient { BaseAddress = new Uri(url), Timeout = s_patience };
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var ready = await Http.GetAsync(new Uri("/health/ready", UriKind.Relative));
                if (ready.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet, or no more: what it printed says why.
            }

            Assert.False(_process.HasExited || deadline.Elapsed > s_patience, "The silo did not become ready:\n" + Log);
            await Task.Delay(50);
        }
    }

    /// <summary>Starts a second program with the same settings and returns its exit code and output.</summary>
    public async Task<(int ExitCode, string Output)> RunSecondAsync()
    {
        using var second = Launch($"http://{_address}:{LoopbackPort.Free()}", _ => { });
        var output = second.StandardError.ReadToEndAsync();
        await second.WaitForExitAsync().WaitAsync(s_patience);
        return (second.ExitCode, await output);
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync().WaitAsync(s_patience);
    }

    /// <summary>SIGTERM, as an operator or a supervisor sends it.</summary>
    public async Task<int> TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync().WaitAsync(s_patience);
        try
        {
            await _process!.WaitForExitAsync().WaitAsync(s_patience);
        }
        catch (TimeoutException)
        {
            await KillAsync();
            Assert.Fail("The silo did not end:\n" + Log);
        }

        return _process.ExitCode;
    }

    public async Task RegisterAsync(Pipeline pipeline)
    {
        var spec = pipeline.Code is { } code ? pipeline.Spec with { Code = await UploadAsync(code.Location) } : pipeline.Spec;
        using var response = await Http.PutAsync(new Uri($"/api/v1/pipelines/{pipeline.Name}", UriKind.Relative), Json(spec));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Ships one assembly, without what it refers to: its stages use what workers have.</summary>
    public async Task<CodeRef> UploadAsync(string assembly)
    {
        using var buffer = new MemoryStream();
        using (var archive = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        {
            archive.CreateEntryFromFile(assembly, Path.GetFileName(assembly));
        }

        using var body = new ByteArrayContent(buffer.ToArray()) { Headers = { ContentType = new("application/zip") } };
        using var response = await Http.PostAsync(new Uri($"/api/v1/code?entry={Path.GetFileName(assembly)}", UriKind.Relative), body);
        return await ReadAsync<CodeRef>(response);
    }

    /// <summary>Posts without a body.</summary>
    public async Task<HttpResponseMessage> PostAsync(string path) => await Http.PostAsync(new Uri(path, UriKind.Relative), null);

    public async Task<T> GetAsync<T>(string path)
    {
        using var response = await Http.GetAsync(new Uri(path, UriKind.Relative));
        return await ReadAsync<T>(response);
    }

    public async Task<string> StartRunAsync(string pipeline, RunRequest? request = null)
    {
        using var response = await Http.PostAsync(new Uri($"/api/v1/pipelines/{pipeline}/runs", UriKind.Relative), Json(request ?? new RunRequest()));
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        return (await ReadAsync<RunStarted>(response)).Id;
    }

    public async Task<RunView> GetRunAsync(string id)
    {
        using var response = await Http.GetAsync(new Uri($"/api/v1/runs/{id}", UriKind.Relative));
        return await ReadAsync<RunView>(response);
    }

    /// <summary>Follows the run's events until one satisfies the condition, or the run ends.</summary>
    public async Task<RunEvent> FollowAsync(string id, Func<RunEvent, bool> until)
    {
        using var patience = new CancellationTokenSource(s_patience);
        using var impatience = patience.Token.Register(() => TestContext.Current.SendDiagnosticMessage("The run does not go on:\n" + Log));
        await using var stream = await Http.GetStreamAsync(new Uri($"/api/v1/runs/{id}/events", UriKind.Relative), patience.Token);
        using var reader = new StreamReader(stream);
        RunEvent? last = null;
        while (await reader.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                last = JsonSerializer.Deserialize<RunEvent>(line.AsSpan(6), GristmillJson.Options)!;
                if (until(last))
                {
                    return last;
                }
            }
        }

        return last ?? throw new InvalidOperationException("The run has no events.");
    }

    /// <summary>Follows the run to its end.</summary>
    public async Task<RunView> FinishAsync(string id)
    {
        await FollowAsync(id, change => change.Status >= RunStatus.Succeeded && change.Run is not null);
        return await GetRunAsync(id);
    }

    public async Task<RunView> RunAsync(Pipeline pipeline)
    {
        await RegisterAsync(pipeline);
        return await FinishAsync(await StartRunAsync(pipeline.Name));
    }

    public async Task DeployAsync(string deployment, string model)
    {
        using var response = await Http.PutAsync(new Uri($"/api/v1/deployments/{deployment}", UriKind.Relative), Json(new DeploymentSpec { Model = model }));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    public static StringContent Json<T>(T value) => new(JsonSerializer.Serialize(value, GristmillJson.Options), Encoding.UTF8, "application/json");

    public static async Task<T> ReadAsync<T>(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonSerializer.Deserialize<T>(text, GristmillJson.Options)!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            await TerminateAsync();
        }

        _process?.Dispose();
        Http.Dispose();
        Directory.Delete(Folder, recursive: true);
        if (Directory.Exists(ObjectDirectory))
        {
            Directory.Delete(ObjectDirectory, recursive: true);
        }
    }

    private Process Launch(string url, Action<string>? onError = null)
    {
        string[] command = [.. _command, "dotnet"];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
        foreach (var argument in (string[])[
            Path.Combine(AppContext.BaseDirectory, "Gristmill.Silo.dll"), $"--urls={url}",
            $"--Gristmill:DataDirectory={DataDirectory}", $"--Gristmill:ObjectDirectory={ObjectDirectory}", .. _settings])
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        if (onError is null)
        {
            process.ErrorDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
            process.BeginErrorReadLine();
        }

        return process;
    }
}
