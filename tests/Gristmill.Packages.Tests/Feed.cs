using System.Diagnostics;
using System.IO.Compression;
using System.Xml.Linq;

namespace Gristmill.Packages;

/// <summary>The packages, packed once into a folder of their own, and a package cache that knows none of them.</summary>
public sealed class Feed : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(8);

    public string Root { get; } = Directory.CreateTempSubdirectory("gristmill-feed-").FullName;

    public string Packages => Path.Combine(Root, "packages");

    public static string Repository { get; } = FindRepository();

    public async ValueTask InitializeAsync() => await RunAsync(Repository, Path.Combine(Repository, "build", "pack"), Packages);

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Root, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>A package's files and its nuspec.</summary>
    public (IReadOnlyList<string> Files, XElement Metadata) Open(string id)
    {
        using var archive = ZipFile.OpenRead(PathOf(id, ".nupkg"));
        using var nuspec = archive.Entries.Single(entry => entry.FullName == id + ".nuspec").Open();
        var metadata = XDocument.Load(nuspec).Root!.Elements().Single();
        return ([.. archive.Entries.Select(entry => entry.FullName)], metadata);
    }

    public string PathOf(string id, string extension) => Directory.EnumerateFiles(Packages, "*" + extension)
        .Single(file => Path.GetFileName(file) is var name && name.StartsWith(id + ".", StringComparison.Ordinal) && char.IsAsciiDigit(name[id.Length + 1]));

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its standard output.</returns>
    public async Task<string> RunAsync(string folder, string program, params string[] arguments)
    {
        var start = Prepare(folder, program, arguments);
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(s_patience);
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var error = process.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        Assert.True(process.ExitCode == 0, $"{Path.GetFileName(program)} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{await output}\n{await error}");
        return await output;
    }

    /// <summary>Starts a program that goes on; what it says on standard error goes to the test's.</summary>
    public Process Start(string folder, string program, params string[] arguments) => Process.Start(Prepare(folder, program, arguments))!;

    /// <summary>Names the feed beside the machine's own.</summary>
    public Task WriteNuGetConfigAsync(string folder) => File.WriteAllTextAsync(Path.Combine(folder, "nuget.config"),
        $"""<configuration><packageSources><add key="gristmill" value="{Packages}" /></packageSources></configuration>""");

    private ProcessStartInfo Prepare(string folder, string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true };
        foreach (var (name, value) in new[]
        {
            // What is restored of ours goes to a cache of its own; the rest, native libraries of a gigabyte, is where it always is.
            ("NUGET_PACKAGES", Path.Combine(Root, "cache")),
            ("NUGET_FALLBACK_PACKAGES", Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages")),
            // As an installed tool: no clone, and a user who has never started a silo.
            ("XDG_CACHE_HOME", Path.Combine(Root, "user-cache")),
            ("GRISTMILL_SILO", ""),
            ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
            ("DOTNET_NOLOGO", "1"),
            ("MSBUILDDISABLENODEREUSE", "1"),
        })
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private static string FindRepository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Pipelines.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("These tests run inside a checkout.");
    }
}
