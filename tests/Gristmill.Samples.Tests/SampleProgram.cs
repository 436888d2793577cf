using System.Diagnostics;
using System.Text.Json;

namespace Gristmill.Samples;

/// <summary>A sample's file, run as its users run it.</summary>
internal sealed class SampleProgram(string name)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private static readonly string s_mill = Path.Combine(AppContext.BaseDirectory, "mill.dll");

    /// <summary>The checkout's samples.</summary>
    public static string Folder { get; } = Find();

    private string File => Path.Combine(Folder, name, "pipeline.cs");

    /// <summary><c>dotnet run pipeline.cs</c>: a silo inside the program.</summary>
    public async Task<RunView> RunHereAsync(string data, IEnumerable<string> arguments)
    {
        await ExecuteAsync(["build", File, "-c", "Release", "-v", "quiet", "-nologo", "-clp:NoSummary"]);
        return Read(await ExecuteAsync(["run", "--file", File, "-c", "Release", "--no-build", "--", "--data", data, "--threads", "1", "--json", .. arguments]));
    }

    /// <summary><c>mill run pipeline.cs --cluster URL</c>: shipped to a server.</summary>
    public async Task<RunView> RunThereAsync(Uri server, IEnumerable<string> arguments) =>
        Read(await ExecuteAsync([s_mill, "run", File, "--cluster", server.AbsoluteUri, "--json", .. arguments]));

    /// <summary><c>dotnet run pipeline.cs -- compile</c>, of what has been built.</summary>
    public Task<string> CompileHereAsync() => ExecuteAsync(["run", "--file", File, "-c", "Release", "--no-build", "--", "compile"]);

    /// <summary><c>mill compile pipeline.cs -o spec.json --server URL</c>: the spec, with the code that it calls shipped.</summary>
    public Task CompileAsync(Uri server, string spec) => ExecuteAsync([s_mill, "compile", File, "-o", spec, "--server", server.AbsoluteUri]);

    /// <summary><c>mill compile spec.json -o spec.yaml</c>.</summary>
    public static Task ConvertAsync(string spec, string other) => ExecuteAsync([s_mill, "compile", spec, "-o", other]);

    /// <summary><c>mill run spec.json --server URL</c>: no source and no build.</summary>
    public static async Task<RunView> RunSpecAsync(Uri server, string spec, IEnumerable<string> arguments) =>
        Read(await ExecuteAsync([s_mill, "run", spec, "--server", server.AbsoluteUri, "--json", .. arguments]));

    private static RunView Read(string json) => JsonSerializer.Deserialize<RunView>(json, GristmillJson.Options)!;

    private static async Task<string> ExecuteAsync(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(s_patience);
        }
        catch (TimeoutException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"dotnet {string.Join(' ', arguments)} did not end within {s_patience}:\n{await output}\n{await errors}", e);
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{await output}\n{await errors}");
        return await output;
    }

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !System.IO.File.Exists(Path.Combine(folder.FullName, "Pipelines.sln")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder?.FullName ?? throw new InvalidOperationException("The tests do not lie in a checkout."), "samples");
    }
}
