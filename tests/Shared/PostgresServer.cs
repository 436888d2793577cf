using System.Diagnostics;
using System.Globalization;

namespace Gristmill.Testing;

/// <summary>
/// A PostgreSQL server of one's own, from the machine's binaries, in a temporary folder and on a free port of 127.0.0.1. Where
/// this process is root it runs as another user, as PostgreSQL insists.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private const string User = "mill", Password = "only-for-tests";

    private readonly string _folder;
    private readonly string _binaries;
    private readonly int _port;
    private Process? _process;

    private readonly string _address;

    private PostgresServer(string folder, string binaries, string address, int port) => (_folder, _binaries, _address, _port) = (folder, binaries, address, port);

    /// <summary>Why there is no server to start, or null.</summary>
    public static string? Missing => Binaries() is null
        ? "PostgreSQL is not installed (Debian: apt-get install postgresql): no initdb in /usr/lib/postgresql/*/bin or on the PATH."
        : null;

    /// <summary>Reaches the server's own database as the owner of everything.</summary>
    public string ConnectionString => string.Create(
        CultureInfo.InvariantCulture, $"Host={_address};Port={_port};Database=postgres;Username={User};Password={Password}");

    private string Data => Path.Combine(_folder, "data");

    private static bool IsRoot => Environment.UserName == "root";

    /// <param name="address">Where it listens; clients of other than loopback are let in from its own network of 256 addresses.</param>
    public static async Task<PostgresServer> StartAsync(string address = "127.0.0.1")
    {
        var binaries = Binaries() ?? throw new InvalidOperationException(Missing);
        var folder = Directory.CreateTempSubdirectory("gristmill-postgres-").FullName;
        var server = new PostgresServer(folder, binaries, address, LoopbackPort.Free());
        await File.WriteAllTextAsync(Path.Combine(folder, "password"), Password);
        if (IsRoot)
        {
            await RunAsync("chown", "-R", "postgres", folder);
        }

        await RunAsync(server.Command("initdb", "-D", server.Data, "-U", User, "-A", "scram-sha-256", "--pwfile", Path.Combine(folder, "password"), "-E", "UTF8", "--no-locale", "--no-sync"));
        if (address != "127.0.0.1")
        {
            await File.AppendAllTextAsync(Path.Combine(server.Data, "pg_hba.conf"), $"host all all {address}/24 scram-sha-256\n");
        }

        await server.ResumeAsync();
        return server;
    }

    /// <summary>Starts it, again after <see cref="KillAsync"/>, and waits until it takes connections.</summary>
    public async Task ResumeAsync()
    {
        _process = Process.Start(Start(Command(
            "postgres", "-D", Data, "-p", _port.ToString(CultureInfo.InvariantCulture), "-k", _folder, "-c", $"listen_addresses={_address}", "-c", "max_connections=200")))!;
        _ = _process.StandardError.ReadToEndAsync();
        _ = _process.StandardOutput.ReadToEndAsync();
        var patience = Stopwatch.StartNew();
        while (await ExitCodeAsync(Command("pg_isready", "-h", _address, "-p", _port.ToString(CultureInfo.InvariantCulture), "-q")) != 0)
        {
            if (_process.HasExited || patience.Elapsed > TimeSpan.FromSeconds(60))
            {
                throw new InvalidOperationException("PostgreSQL did not start.");
            }

            await Task.Delay(50);
        }
    }

    /// <summary>Stops it at once, as a crash would; what was acknowledged stays.</summary>
    public async Task KillAsync() => await StopAsync("QUIT");

    public async ValueTask DisposeAsync()
    {
        await StopAsync("INT");
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StopAsync(string signal)
    {
        if (_process is { HasExited: false } process)
        {
            await RunAsync("kill", $"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture));
            await process.WaitForExitAsync();
        }

        _process?.Dispose();
        _process = null;
    }

    private string[] Command(string program, params string[] arguments) =>
        [.. IsRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : Array.Empty<string>(), Path.Combine(_binaries, program), .. arguments];

    private static async Task RunAsync(params string[] command)
    {
        using var process = Process.Start(Start(command))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{command[0]} ended with {process.ExitCode}: {errors}{await output}");
        }
    }

    private static async Task<int> ExitCodeAsync(string[] command)
    {
        using var process = Process.Start(Start(command))!;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static ProcessStartInfo Start(string[] command) =>
        new(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };

    private static string? Binaries()
    {
        var installed = Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").OrderByDescending(static folder => folder, StringComparer.Ordinal).Select(static folder => Path.Combine(folder, "bin"))
            : [];
        return installed.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
            .FirstOrDefault(static folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres")));
    }
}
