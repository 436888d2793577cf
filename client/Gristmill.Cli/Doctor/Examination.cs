using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Gristmill.Cli.Infrastructure;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Doctor;

/// <summary>The checks of 'mill doctor'.</summary>
internal static class Examination
{
    private const long MiB = 1L << 20;

    public static async Task<IReadOnlyList<Finding>> RunAsync(string dataDirectory, int port, CancellationToken cancellationToken) =>
    [
        System(),
        await SdkAsync(cancellationToken),
        await PortAsync(port, cancellationToken),
        DataFolder(dataDirectory),
        Disk("disk", Path.GetFullPath(dataDirectory), 1024 * MiB, 5120 * MiB, "Free some space, or choose another folder with --data."),
        SharedMemory("/dev/shm"),
        Memory(),
        .. NativeLibraries(),
    ];

    private static Finding System()
    {
        var found = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}, {Environment.ProcessorCount} cores";
        return OperatingSystem.IsLinux()
            ? new Finding("system", Health.Well, found)
            : new Finding("system", Health.Warning, found, "Clusters run on Linux; here tables lie in plain files, which is not tested.");
    }

    private static async Task<Finding> SdkAsync(CancellationToken cancellationToken)
    {
        try
        {
            var (exitCode, output) = await Dotnet.CaptureAsync(["--list-sdks"], cancellationToken);
            var versions = output.Split('\n').Select(line => line.Split(' ')[0]).Where(version => version.Length > 0).ToList();
            return exitCode == 0 && versions.Any(version => Version.TryParse(version.Split('-')[0], out var number) && number >= new Version(10, 0, 100))
                ? new Finding(".NET SDK", Health.Well, string.Join(", ", versions))
                : new Finding(".NET SDK", Health.Warning, versions.Count == 0 ? "none" : string.Join(", ", versions),
                    "'mill run FILE.cs' needs .NET SDK 10.0.100 or later: https://dot.net/download.");
        }
        catch (GristmillException e)
        {
            return new Finding(".NET SDK", Health.Wrong, e.Message, e.Error.Hint);
        }
    }

    private static async Task<Finding> PortAsync(int port, CancellationToken cancellationToken)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"port {port}");
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return new Finding(name, Health.Well, "free");
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            try
            {
                using var client = new GristmillClient(new GristmillClientOptions
                {
                    Server = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")),
                    Timeout = TimeSpan.FromSeconds(3),
                    Attempts = 1,
                });
                var info = await client.GetInfoAsync(cancellationToken);
                return new Finding(name, Health.Well, $"a {info.Product} {info.Version} server answers (process {info.ProcessId}, data {info.DataDirectory})");
            }
            catch (GristmillException)
            {
                return new Finding(name, Health.Wrong, "in use by another program", "Stop it, or choose another port: mill up --port 5081.");
            }
        }
        catch (SocketException e)
        {
            return new Finding(name, Health.Wrong, e.Message, "Choose another port: mill up --port 5081.");
        }
    }

    internal static Finding DataFolder(string path)
    {
        var full = Path.GetFullPath(path);
        var held = Path.Combine(full, "lock");
        if (!Directory.Exists(full))
        {
            var parent = full;
            while (parent is not null && !Directory.Exists(parent))
            {
                parent = Path.GetDirectoryName(parent);
            }

            return parent is not null && TryWrite(parent) is { } cannot
                ? new Finding("data folder", Health.Wrong, $"{full} cannot be made: {cannot}", "Choose another with --data, or change the permissions.")
                : new Finding("data folder", Health.Well, $"{full} will be made");
        }

        if (TryWrite(full) is { } problem)
        {
            return new Finding("data folder", Health.Wrong, $"{full}: {problem}", "Choose another with --data, or change the permissions.");
        }

        if (!File.Exists(held))
        {
            return new Finding("data folder", Health.Well, full);
        }

        try
        {
            using var probe = new FileStream(held, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return new Finding("data folder", Health.Well, $"{full}, not in use");
        }
        catch (IOException)
        {
            return new Finding("data folder", Health.Warning, $"{full} is in use by a silo", "A second silo needs another folder: mill up --data DIR.");
        }
    }

    internal static Finding Disk(string name, string path, long least, long enough, string remedy)
    {
        var existing = path;
        while (existing is not null && !Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing);
        }

        var free = new DriveInfo(existing ?? "/").AvailableFreeSpace;
        var found = $"{Texts.Bytes(free)} free at {existing}";
        return free < least ? new Finding(name, Health.Wrong, found, remedy)
            : free < enough ? new Finding(name, Health.Warning, found, remedy)
            : new Finding(name, Health.Well, found);
    }

    internal static Finding SharedMemory(string path)
    {
        if (!Directory.Exists(path))
        {
            return new Finding("shared memory", Health.Warning, $"there is no {path}", "Tables will lie in files of the data folder, which is slower.");
        }

        return TryWrite(path) is { } problem
            ? new Finding("shared memory", Health.Wrong, $"{path}: {problem}", $"Make {path} writable: it should be a tmpfs with mode 1777.")
            : Disk("shared memory", path, 64 * MiB, 1024 * MiB, $"Enlarge it: mount -o remount,size=4G {path} (containers: --shm-size=4g), or set Gristmill:ObjectDirectory.");
    }

    private static Finding Memory()
    {
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (OperatingSystem.IsLinux() && File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal)) is { } line
            && long.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture, out var kibibytes))
        {
            available = Math.Min(available, kibibytes * 1024);
        }

        return available < 2048 * MiB
            ? new Finding("memory", Health.Warning, $"{Texts.Bytes(available)} available", "The flights sample needs about 3 GiB.")
            : new Finding("memory", Health.Well, $"{Texts.Bytes(available)} available");
    }

    private static IEnumerable<Finding> NativeLibraries()
    {
        string folder;
        Finding? missing = null;
        try
        {
            folder = Path.GetDirectoryName(SiloProgram.Find())!;
        }
        catch (GristmillException e)
        {
            missing = new Finding("silo program", Health.Wrong, e.Message, e.Error.Hint);
            folder = "";
        }

        if (missing is not null)
        {
            return [missing];
        }

        // Torch is looked for and not loaded: it takes half a gigabyte and a preparation that the engine does at its first use.
        return OperatingSystem.IsLinux()
            ?
            [
                new Finding("silo program", Health.Well, folder),
                Library(folder, "DuckDB", "libduckdb.so", load: true),
                Library(folder, "LightGBM", "lib_lightgbm.so", load: true),
                Library(folder, "ONNX Runtime", "libonnxruntime.so", load: true),
                Library(folder, "libtorch", "libtorch_cpu.so", load: false),
            ]
            : [new Finding("silo program", Health.Well, folder)];
    }

    internal static Finding Library(string folder, string name, string file, bool load)
    {
        var path = new[] { Path.Combine(folder, file), Path.Combine(folder, "runtimes", RuntimeInformation.RuntimeIdentifier, "native", file) }.FirstOrDefault(File.Exists);
        if (path is null)
        {
            return new Finding(name, Health.Wrong, $"{file} is not in {folder}", "Build again: ./mill build.");
        }

        if (!load)
        {
            return new Finding(name, Health.Well, "there");
        }

        try
        {
            NativeLibrary.Free(NativeLibrary.Load(path));
            return new Finding(name, Health.Well, "loads");
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            var reason = e.Message.Split('\n').FirstOrDefault(line => line.Contains(".so", StringComparison.Ordinal)) ?? e.Message;
            return new Finding(name, Health.Wrong, reason.Trim(), reason.Contains("libgomp", StringComparison.Ordinal)
                ? "Install the OpenMP runtime (Debian: libgomp1)." : "Install what the message names, or build again: ./mill build.");
        }
    }

    private static string? TryWrite(string folder)
    {
        var probe = Path.Combine(folder, $".gristmill-doctor-{Guid.NewGuid():n}");
        try
        {
            using (File.Create(probe, 1, FileOptions.DeleteOnClose))
            {
                return null;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}
