using System.Diagnostics;

namespace Gristmill.Cli.Launcher;

/// <summary>A checkout with the real launcher and little else, and a PATH that holds only what a test puts there beside the usual tools.</summary>
internal sealed class LauncherCheckout : IDisposable
{
    private static readonly string[] s_tools =
    [
        "awk", "bash", "cat", "cp", "cut", "df", "dirname", "env", "find", "grep", "head", "mkdir", "mv", "paste", "rm", "sed", "sha256sum", "sleep", "sort", "tail", "touch", "tr", "xargs",
    ];

    private readonly string _root = Directory.CreateTempSubdirectory("gristmill-launcher-").FullName;

    public LauncherCheckout()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The launcher is a bash script.");
        Directory.CreateDirectory(Programs);
        foreach (var tool in s_tools)
        {
            var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, tool)).FirstOrDefault(File.Exists);
            Assert.True(found is not null, $"'{tool}' is not on the PATH.");
            File.CreateSymbolicLink(Path.Combine(Programs, tool), found);
        }

        File.Copy(Path.Combine(Repository(), "mill"), Path.Combine(_root, "mill"));
        foreach (var file in (string[])["global.json", "nuget.config", "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "samples/data/package-lock.json", "src/A.cs", "grains/A.cs", "silo/A.cs", "client/A.cs",
            "console/package.json", "docs/reference/openapi.json", "build/Console.targets"])
        {
            var path = Path.Combine(_root, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, file);
        }
    }

    /// <summary>A file that stand-ins may touch to leave a trace ($TOUCHED).</summary>
    public string Touched => Path.Combine(_root, "touched");

    private string Programs => Path.Combine(_root, "programs");

    /// <summary>Puts a program on the PATH, in place of the tool of that name.</summary>
    public void Put(string name, string script)
    {
        var path = Path.Combine(Programs, name);
        File.Delete(path);
        File.WriteAllText(path, $"#!/usr/bin/env bash\n{script}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Puts an SDK of a good version on the PATH, which then does as told.</summary>
    public void PutDotnet(string script = ":") => Put("dotnet", $"if [ \"$1\" = --version ]; then echo 10.0.401; exit 0; fi\n{script}");

    /// <summary>Sets up and expects exit code 4 and one sentence, last on stderr, which it returns.</summary>
    public async Task<string> AssertFailsAsync(params string[] says)
    {
        var (code, error) = await SetUpAsync();
        Assert.True(code == 4, $"{code}: {error}");
        var lines = error.TrimEnd('\n').Split('\n');
        var sentence = Assert.Single(lines, line => line.StartsWith("mill: ", StringComparison.Ordinal));
        Assert.Same(lines[^1], sentence);
        Assert.All(says, part => Assert.Contains(part, sentence));

        // Beside it, the steps' titles and what the compiler said; nothing of bash, and no stack.
        Assert.All(lines[..^1], line => Assert.Matches("^(==> |    done in |    \\.\\.\\. |.*: error )", line));
        return error;
    }

    public async Task<(int Code, string Error)> SetUpAsync()
    {
        var (code, output, error) = await RunAsync("setup");
        Assert.Equal("", output);
        return (code, error);
    }

    public async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Programs, "bash"), [Path.Combine(_root, "mill"), .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["PATH"] = Programs;
        start.Environment["TOUCHED"] = Touched;
        start.Environment["GRISTMILL_DATA"] = Path.Combine(_root, "flights");
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, error);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Pipelines.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("These tests run inside a checkout: no Pipelines.sln above " + AppContext.BaseDirectory);
    }
}
