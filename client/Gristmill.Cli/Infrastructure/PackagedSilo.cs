using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Gristmill.Cli.Infrastructure;

/// <summary>
/// The silo of an installed tool, which has none beside it: the silo's own program, published once against the packages of the tool's
/// version, and kept in the user's cache folder.
/// </summary>
internal static class PackagedSilo
{
    private const string Prefix = "silo/";
    private const string Project = "Gristmill.Silo.csproj";
    private const string ProjectReference = """<ProjectReference Include="../Gristmill.Hosting/Gristmill.Hosting.csproj" />""";

    private static readonly TimeSpan s_pace = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_abandoned = TimeSpan.FromDays(1);

    /// <summary>The folder of this very build of the tool: another one has other packages.</summary>
    private static string Folder { get; } = Path.Combine(Cache(), "gristmill", "silo",
        typeof(PackagedSilo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);

    /// <summary>Where the silo's assembly is, once it has been prepared.</summary>
    public static string Program { get; } = Path.Combine(Folder, "Gristmill.Silo.dll");

    /// <summary>Publishes it; it is there whole or not at all.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.FileNotFound"/>: no SDK, or no source has the packages; <see cref="ErrorCodes.StorageUnavailable"/>: it cannot be
    /// written; <see cref="ErrorCodes.Internal"/>: it does not build, with the log in the details.</exception>
    public static async Task PrepareAsync(CancellationToken cancellationToken)
    {
        var work = Path.Combine(Path.GetDirectoryName(Folder)!, $".new-{Guid.NewGuid():n}");
        try
        {
            Write(work);
            await Console.Error.WriteLineAsync($"Preparing the silo of Gristmill {ProjectTemplate.Version} from its packages, once; where they have not been restored yet that loads about 2 GB.");
            var published = Path.Combine(work, "published");
            var (exitCode, output) = await WatchAsync(Dotnet.CaptureAsync(
                ["publish", Path.Combine(work, Project), "-c", "Release", "-o", published, "-v", "quiet", "-nologo", "-clp:NoSummary",
                    // Sources of packages are those of the folder that the user is in; to compile ahead would take another large package.
                    $"-p:RestoreRootConfigDirectory={Environment.CurrentDirectory}", "-p:PublishReadyToRun=false"], cancellationToken));
            if (exitCode != 0)
            {
                throw Failed(output);
            }

            try
            {
                Directory.Move(published, Folder);
            }
            catch (IOException) when (File.Exists(Program))
            {
                // Another command was first: it is the same.
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(e.Message, e);
        }
        finally
        {
            Delete(work);
        }
    }

    /// <summary>The silo's program and project as they are in the source tree, but that the project names the package in place of the source.</summary>
    private static void Write(string folder)
    {
        var parent = Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        foreach (var left in parent.EnumerateDirectories(".new-*").Where(static left => DateTime.UtcNow - left.LastWriteTimeUtc > s_abandoned))
        {
            Delete(left.FullName);
        }

        Directory.CreateDirectory(folder);
        var assembly = typeof(PackagedSilo).Assembly;
        foreach (var resource in assembly.GetManifestResourceNames().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            var text = reader.ReadToEnd().Replace(ProjectReference, $"""<PackageReference Include="Gristmill.Hosting" Version="[{ProjectTemplate.Version}]" />""", StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder, resource[Prefix.Length..]), text);
        }

        // Found before any that a folder above has.
        File.WriteAllText(Path.Combine(folder, "Directory.Packages.props"), "<Project />\n");
        File.WriteAllText(Path.Combine(folder, "Directory.Build.props"), $"""
            <Project>
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <RuntimeIdentifier>{Platform()}</RuntimeIdentifier>
                <SelfContained>false</SelfContained>
                <SatelliteResourceLanguages>en</SatelliteResourceLanguages>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
                <CreateHardLinksForPublishFilesIfPossible>true</CreateHardLinksForPublishFilesIfPossible>
              </PropertyGroup>
            </Project>

            """);
    }

    /// <summary>Tells now and then that it goes on.</summary>
    private static async Task<T> WatchAsync<T>(Task<T> work)
    {
        var clock = Stopwatch.StartNew();
        while (await Task.WhenAny(work, Task.Delay(s_pace)) != work)
        {
            await Console.Error.WriteLineAsync($"    ... {clock.Elapsed.TotalSeconds:0} s");
        }

        return await work;
    }

    /// <summary>What a failed publish is, from what it said.</summary>
    internal static GristmillException Failed(string output)
    {
        if (Says("No .NET SDKs were found", "NETSDK1045", "compatible .NET SDK was not found"))
        {
            return new GristmillException(ErrorCodes.FileNotFound, "There is no .NET SDK 10, which prepares the silo.", "Install the .NET SDK 10 from https://dot.net/download; the runtime alone does not do.");
        }

        if (Says("No space left", "disk full", "not enough space"))
        {
            return Unwritable("the disk is full.", null);
        }

        if (Says("NU1301", "unable to load the service index"))
        {
            return new GristmillException(ErrorCodes.FileNotFound, "A source of NuGet packages cannot be reached; to prepare the silo takes one, once.", "'dotnet nuget list source' lists the sources.").With("log", Errors(output));
        }

        return Says("NU1101", "NU1102", "NU1103")
            ? new GristmillException(ErrorCodes.FileNotFound, $"No source has the packages of Gristmill {ProjectTemplate.Version}, or what they need.",
                "Name the one that the tool came from: dotnet nuget add source FOLDER_OR_URL; or set GRISTMILL_SILO to the path of a silo that was built.").With("log", Errors(output))
            : new GristmillException(ErrorCodes.Internal, "The silo could not be prepared from its packages.", "The errors are below; GRISTMILL_SILO can name a silo that was built.").With("log", Errors(output));

        bool Says(params string[] texts) => texts.Any(text => output.Contains(text, StringComparison.OrdinalIgnoreCase));
    }

    private static string Errors(string output) => string.Join('\n', output.Split('\n', StringSplitOptions.TrimEntries)
        .Where(static line => line.Contains("error", StringComparison.OrdinalIgnoreCase)).Distinct(StringComparer.Ordinal).Take(10));

    private static GristmillException Unwritable(string why, Exception? inner) => new(ErrorCodes.StorageUnavailable, $"The silo cannot be prepared in {Path.GetDirectoryName(Folder)}: {why}",
        "It needs about 2 GB there; XDG_CACHE_HOME names another folder.", inner);

    private static string Cache() =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } given ? given
        : OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");

    private static string Platform() =>
        $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next one that prepares a silo tries again.
        }
    }
}
