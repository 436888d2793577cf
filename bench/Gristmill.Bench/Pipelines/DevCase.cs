using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Gristmill.Bench.Pipelines;

/// <summary>
/// 'mill dev' on a pipeline whose code is saved again and again: from the end of the write until the silo has accepted the run, less what
/// 'dotnet build' took. What is left is its own: noticing the save, starting the program that defines the pipeline, shipping its code.
/// </summary>
internal static partial class DevCase
{
    private const int Warm = 2, Saves = 9;
    private const double Goal = 1;

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        using var silo = SiloUnderTest.Start();
        var folder = Directory.CreateTempSubdirectory("gristmill-dev-").FullName;
        var file = Path.Combine(folder, "pipeline.cs");
        await File.WriteAllTextAsync(file, Source(0));
        using var dev = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "mill.dll"), "dev", file, "--server", silo.Url.AbsoluteUri])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            // Read, so that the program never waits for a full pipe.
            dev.BeginErrorReadLine();
            await BuiltAsync(dev);
            var (own, built) = (new List<double>(), new List<double>());
            for (var save = 1; save <= Warm + Saves; save++)
            {
                await File.WriteAllTextAsync(file, Source(save));
                var saved = DateTimeOffset.UtcNow;
                var build = await BuiltAsync(dev);
                var run = (await silo.Client.ListRunsAsync("edited"))[0];
                if (save > Warm)
                {
                    own.Add((run.Created - saved).TotalSeconds - build);
                    built.Add(build);
                }
            }

            own.Sort();
            built.Sort();
            return
            [
                new("mill dev, from a save to the start of its run, without the build", own[Saves / 2],
                    string.Create(CultureInfo.InvariantCulture, $"s ({own[0]:0.00} to {own[^1]:0.00})"), "-", null, "< 1 s", own[Saves / 2] < Goal),
                new("mill dev: the build", built[Saves / 2], string.Create(CultureInfo.InvariantCulture, $"s ({built[0]:0.0} to {built[^1]:0.0})"), "-", null, "-", true),
            ];
        }
        finally
        {
            dev.Kill(entireProcessTree: true);
            await dev.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Waits for the end of a round.</summary>
    /// <returns>Seconds of its build.</returns>
    private static async Task<double> BuiltAsync(Process dev)
    {
        while (await dev.StandardOutput.ReadLineAsync() is { } line)
        {
            if (Built().Match(line) is { Success: true } match)
            {
                return double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException("'mill dev' has ended.");
    }

    private static string Source(int n) => $$"""
        #:project {{Path.Combine(Repository(), "client", "Gristmill", "Gristmill.csproj")}}
        #:property PublishAot=false
        using Gristmill;

        var pipeline = Pipeline.Create("edited", p =>
        {
            var first = p.Run(Stages.First).Named("first");
            p.Run(Stages.Second, first.Metrics["value"]).Named("second");
        });
        return await Mill.RunAsync(pipeline, args);

        internal static class Stages
        {
            public static double First() => 1;

            public static double Second(double first) => first + {{n}};
        }
        """;

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Pipelines.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The benches run inside a checkout.");
        }

        return folder.FullName;
    }

    [GeneratedRegex(@"\Abuilt in ([0-9.]+) s")]
    private static partial Regex Built();
}
