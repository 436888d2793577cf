using System.Diagnostics;
using System.Globalization;

namespace Gristmill.Cli.Infrastructure;

/// <summary>A silo that this program started.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(35);

    private readonly Process _process;
    private readonly string? _logFile;
    private bool _released;

    private SiloProcess(Process process, Uri address, string? logFile)
    {
        _process = process;
        Address = address;
        _logFile = logFile;
    }

    public Uri Address { get; }

    public int Id => _process.Id;

    /// <summary>Starts the silo.</summary>
    /// <param name="dataDirectory">Its data folder.</param>
    /// <param name="port">Port of REST on loopback.</param>
    /// <param name="logFile">File for its output; null: it shares this program's terminal.</param>
    /// <param name="settings">Further settings, "--Name=value".</param>
    public static SiloProcess Start(string dataDirectory, int port, string? logFile, params IEnumerable<string> settings)
    {
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        // The shell gives its place to the silo, whose output so goes to the file itself: it may outlive this program.
        ProcessStartInfo start = logFile is null
            ? new("dotnet")
            : new("/bin/sh", ["-c", "log=$1; shift; exec dotnet \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", logFile]);
        foreach (var argument in new[] { SiloProgram.Find(), $"--urls={address}", $"--Gristmill:DataDirectory={dataDirectory}" }.Concat(settings))
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start) ?? throw new GristmillException(ErrorCodes.Internal, "The silo could not be started.");
        return new SiloProcess(process, address, logFile);
    }

    /// <summary>Waits until it takes requests.</summary>
    /// <exception cref="GristmillException">It ended, or is not ready in time; the last lines of its log are in the details.</exception>
    public async Task WaitReadyAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(5) };
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < StartLimit)
        {
            if (_process.HasExited)
            {
                throw Failed($"The silo ended with exit code {_process.ExitCode} while it started.");
            }

            try
            {
                using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), cancellationToken);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Listening, but not answering yet.
            }

            await Task.Delay(50, cancellationToken);
        }

        throw Failed($"The silo is not ready after {StartLimit.TotalSeconds:0} s.");
    }

    /// <summary>Asks it to stop and waits; ends it if it does not.</summary>
    public async Task StopAsync()
    {
        if (_process.HasExited)
        {
            return;
        }

        Signals.Terminate(_process.Id);
        using var limit = new CancellationTokenSource(StopLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>Waits until it ends by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync(CancellationToken.None);
        return _process.ExitCode;
    }

    /// <summary>Leaves it running when this program ends.</summary>
    public void Release() => _released = true;

    public async ValueTask DisposeAsync()
    {
        if (!_released)
        {
            await StopAsync();
        }

        _process.Dispose();
    }

    private GristmillException Failed(string message) =>
        new GristmillException(ErrorCodes.Internal, message, "'mill doctor' says what is wrong with this machine.").With("log", LastLines());

    private string LastLines() =>
        _logFile is not null && File.Exists(_logFile) ? string.Join('\n', File.ReadLines(_logFile).TakeLast(20)) : "";
}
