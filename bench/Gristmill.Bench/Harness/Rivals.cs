using System.Diagnostics;
using System.Text.Json;

namespace Gristmill.Bench;

/// <summary>Runs the rivals' scripts, each in the environment that `mill bench setup` made for it.</summary>
internal static class Rivals
{
    public static string Home { get; } = Environment.GetEnvironmentVariable("GRISTMILL_HOME") ?? Directory.GetCurrentDirectory();

    /// <summary>Debian's Python with its packages.</summary>
    public static string Python => "/usr/bin/python3";

    /// <summary>The environment with Ray and pyarrow.</summary>
    public static string RayPython => Path.Combine(Home, "artifacts/bench/ray/bin/python");

    /// <summary>Runs a script and reads the JSON line it prints last; null where it cannot run.</summary>
    public static JsonElement? Run(string python, string script, params string[] arguments)
    {
        if (!File.Exists(python))
        {
            return null;
        }

        return RunProgram(python, [Path.Combine(Home, "bench", script), .. arguments], script);
    }

    /// <summary>Runs this program in another of its roles, and reads the JSON line it prints last; null where it failed.</summary>
    public static JsonElement? RunSelf(string role, params string[] arguments) =>
        RunProgram("dotnet", [typeof(Rivals).Assembly.Location, role, .. arguments], role);

    private static JsonElement? RunProgram(string program, string[] arguments, string name)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var last = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
        if (process.ExitCode != 0 || last is null || !last.StartsWith('{'))
        {
            var reason = errors.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? $"exit code {process.ExitCode}";
            Console.Error.WriteLine($"    {name}: {reason}");
            return null;
        }

        return JsonDocument.Parse(last).RootElement.Clone();
    }
}
