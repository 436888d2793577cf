using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Gristmill.Cli.Live;

/// <summary>'mill dev' as its users run it: a program of its own on a file that is edited, and a server.</summary>
public sealed class LiveDevTests(LiveServer server) : LiveTests(server)
{
    [Fact]
    public async Task A_save_runs_again_what_it_changed_and_one_that_does_not_compile_is_told()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Silo.Folder, "dev")).FullName;
        var file = Path.Combine(folder, "pipeline.cs");
        await File.WriteAllLinesAsync(Path.Combine(folder, "points.csv"), Enumerable.Range(0, 100).Select(static i => $"{i}").Prepend("a"), Token);
        var source = Source(Path.Combine(folder, "points.csv"));
        await File.WriteAllTextAsync(file, source, Token);
        await using var dev = Dev.Start(file, Address);

        await dev.WaitAsync("Waiting for a change");
        var first = Assert.Single(await Client.ListRunsAsync("edited", cancellationToken: Token));
        Assert.Empty((await Client.GetRunAsync(first.Id, Token)).Stages.Where(static stage => stage.CachedFrom is not null));

        await File.WriteAllTextAsync(file, source.Replace("rows.Rows;", "rows.Rows * ;", StringComparison.Ordinal), Token);
        await dev.WaitAsync("pipeline.cs does not compile.");
        Assert.Contains("error CS1525", dev.Said, StringComparison.Ordinal);
        await dev.WaitAsync("Waiting for a change");

        await File.WriteAllTextAsync(file, source.Replace("rows.Rows;", "rows.Rows * 2;", StringComparison.Ordinal), Token);
        await dev.WaitAsync("3 of 5 stages reused: raw, rows, count");
        var runs = await Client.ListRunsAsync("edited", cancellationToken: Token);
        Assert.Equal(2, runs.Count);
        var second = await Client.GetRunAsync(runs.Single(run => run.Id != first.Id).Id, Token);
        Assert.Equal(RunStatus.Succeeded, second.Status);
        // What the save changed and what comes after it was executed; all else was taken over, also the method beside it.
        Assert.Equal(["raw", "rows", "count"], second.Stages.Where(stage => stage.CachedFrom?.Run == first.Id).Select(static stage => stage.Name));
        Assert.Equal(["double", "half"], second.Stages.Where(static stage => stage.CachedFrom is null).Select(static stage => stage.Name));
        Assert.Equal(100.0, second.Stages.Single(static stage => stage.Name == "half").Outputs.Values.First().Metrics!["value"]);

        await dev.WaitAsync("Waiting for a change");
        Assert.Equal(0, await dev.InterruptAsync());
    }

    private static string Source(string csv) => $$"""
        #:project {{Path.Combine(Repository(), "client", "Gristmill", "Gristmill.csproj")}}
        #:property PublishAot=false
        using Gristmill;
        using Gristmill.Engines;

        var pipeline = Pipeline.Create("edited", p =>
        {
            var raw = p.Read.Csv("{{csv}}").Named("raw");
            var rows = p.Sql($"select a from {raw}").Named("rows");
            p.Run(Stages.Count, rows).Named("count");
            var twice = p.Run(Stages.Double, rows).Named("double");
            p.Run(Stages.Half, twice.Metrics["value"]).Named("half");
        });
        return await Mill.RunAsync(pipeline, args);

        internal static class Stages
        {
            public static double Count(Dataset rows) => rows.Rows + 0.5;

            public static double Double(Dataset rows) => rows.Rows;

            public static double Half(double twice) => twice / 2;
        }
        """;

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Pipelines.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("These tests run inside a checkout.");
        }

        return folder.FullName;
    }

    /// <summary>The program, and what it has said.</summary>
    private sealed class Dev(Process process) : IAsyncDisposable
    {
        private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);
        private readonly ConcurrentQueue<string> _lines = new();
        private readonly SemaphoreSlim _more = new(0);
        private int _seen;

        public string Said => string.Join('\n', _lines);

        public static Dev Start(string file, string address)
        {
            // Both streams come through one pipe, as on a terminal: of two pipes, the order of their lines is not known.
            // A test program that was itself started in the background passes on that it ignores Ctrl+C.
            var start = new ProcessStartInfo("env", ["--default-signal=INT", "sh", "-c", "exec \"$@\" 2>&1", "sh", "dotnet", Path.Combine(AppContext.BaseDirectory, "mill.dll"), "dev", file, "--server", address])
            {
                RedirectStandardOutput = true,
            };
            start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
            var dev = new Dev(Process.Start(start)!);
            dev.Listen();
            return dev;
        }

        /// <summary>Waits for a line that comes after those waited for before.</summary>
        public async Task WaitAsync(string text)
        {
            while (true)
            {
                var lines = _lines.ToArray();
                for (; _seen < lines.Length; _seen++)
                {
                    if (lines[_seen].Contains(text, StringComparison.Ordinal))
                    {
                        _seen++;
                        return;
                    }
                }

                Assert.True(await _more.WaitAsync(s_patience, Token) && !process.HasExited, $"'mill dev' did not say '{text}':\n{Said}");
            }
        }

        /// <summary>Ctrl+C.</summary>
        public async Task<int> InterruptAsync()
        {
            using var kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await process.WaitForExitAsync(Token).WaitAsync(s_patience, Token);
            return process.ExitCode;
        }

        public async ValueTask DisposeAsync()
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync();
            }

            process.Dispose();
            _more.Dispose();
        }

        private void Listen()
        {
            process.OutputDataReceived += (_, line) => Note(line.Data);
            process.BeginOutputReadLine();
        }

        private void Note(string? line)
        {
            if (line is not null)
            {
                _lines.Enqueue(line);
                _more.Release();
            }
        }
    }
}
