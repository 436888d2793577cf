using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Gristmill.Data.Tests.Reading.Remote.Cloud;

/// <summary>A server of S3 (s3rver) and one of Azure's blobs (Azurite) on loopback, with a bucket and a container named lake.</summary>
public sealed class CloudServers : IAsyncLifetime
{
    private static readonly string s_modules = Path.Combine(Environment.GetEnvironmentVariable("GRISTMILL_HOME") ?? ".", "tests/services/objects/node_modules");

    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-objects-").FullName;
    private readonly List<Process> _processes = [];

    /// <summary>Why there are none, or null.</summary>
    public static string? Missing =>
        !Directory.Exists(Path.Combine(s_modules, "azurite")) || !Directory.Exists(Path.Combine(s_modules, "s3rver")) ? "Azurite and s3rver are not installed: ./mill test does it, where npm is."
        : !(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(static folder => File.Exists(Path.Combine(folder, "node"))) ? "Azurite and s3rver need node."
        : null;

    private readonly Dictionary<string, CloudServer> _servers = [];

    /// <summary>That of a scheme, s3 or az; skips the test where there is none.</summary>
    internal CloudServer this[string scheme]
    {
        get
        {
            Assert.SkipWhen(Missing is not null, Missing ?? "");
            return _servers[scheme];
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (Missing is not null)
        {
            return;
        }

        var (s3, az) = (LoopbackPort.Free(), LoopbackPort.Free());
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));
        await Task.WhenAll(
            StartAsync(s3, [], "s3rver/bin/s3rver.js", "-d", Path.Combine(_folder, "s3"), "-a", "127.0.0.1", "-p", $"{s3}", "-s", "--configure-bucket", CloudServer.Container),
            StartAsync(az, new() { ["AZURITE_ACCOUNTS"] = $"{BlobServer.Account}:{key}" }, "azurite/dist/src/blob/main.js", "--blobHost", "127.0.0.1", "--blobPort", $"{az}", "--skipApiVersionCheck", "--silent",
                "--disableTelemetry", "--inMemoryPersistence"));
        var blobs = new BlobServer(az, key);
        await blobs.CreateAsync();
        (_servers["s3"], _servers["az"]) = (new S3Server(s3), blobs);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAsync(int port, Dictionary<string, string> environment, string script, params string[] arguments)
    {
        // s3rver's pages are made with a cipher that OpenSSL calls legacy.
        var start = new ProcessStartInfo("node", ["--openssl-legacy-provider", Path.GetFullPath(Path.Combine(s_modules, script)), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        lock (_processes)
        {
            _processes.Add(process);
        }

        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        var patience = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync("127.0.0.1", port);
                return;
            }
            catch (SocketException) when (!process.HasExited && patience.Elapsed < TimeSpan.FromSeconds(60))
            {
                await Task.Delay(50);
            }
            catch (SocketException) when (process.HasExited)
            {
                throw new InvalidOperationException($"{script} did not start: {await output}{await errors}");
            }
        }
    }
}
