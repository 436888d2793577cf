using Gristmill.Hosting;

namespace Gristmill;

/// <summary>A pipeline's program, in this process.</summary>
public sealed class MillTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-mill-").FullName;

    private string State => Path.Combine(_folder, "state");

    private string Tables
    {
        get
        {
            using var folder = DataFolder.Open(new GristmillOptions { DataDirectory = State });
            return folder.ObjectDirectory;
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_stage_of_ones_own_runs_in_this_very_process()
    {
        var csv = Parcels.WriteCsv(_folder);
        var pipeline = Pipeline.Create("counted", p =>
        {
            var atLeast = p.Parameter("at-least", 5);
            var raw = p.Read.Csv(csv);
            var rows = p.Sql($"select * from {raw} where distance >= {atLeast}");
            p.Run(OwnStages.Count, rows);
        });

        Assert.Equal(0, await RunAsync(pipeline));
        Assert.Equal(Parcels.Rows, OwnStages.Seen);
        Assert.False(Directory.Exists(Tables), "Tables stay in memory after the process.");

        // The same data folder again, as one does all day, with another value of the parameter.
        Assert.Equal(0, await RunAsync(pipeline, "--param", "at-least=750"));
        Assert.InRange(OwnStages.Seen, 1, Parcels.Rows - 1);
    }

    [Fact]
    public async Task Own_models_are_trained_measured_and_registered()
    {
        var csv = Parcels.WriteCsv(_folder);

        Assert.Equal(0, await RunAsync(OwnModels.Pipeline(csv)));
    }

    [Fact]
    public async Task A_failed_run_exits_with_1()
    {
        var csv = Parcels.WriteCsv(_folder);

        Assert.Equal(1, await RunAsync(Pipeline.Create("throws", p =>
        {
            var raw = p.Read.Csv(csv);
            p.Run(OwnStages.Throw, raw);
        })));
        Assert.Equal(1, await RunAsync(Pipeline.Create("missing", p => p.Read.Csv(Path.Combine(_folder, "nowhere.csv")))));
    }

    [Fact]
    public async Task Cancelling_exits_with_130()
    {
        var csv = Parcels.WriteCsv(_folder);
        using var stop = new CancellationTokenSource();
        var run = Mill.RunAsync(Pipeline.Create("waits", p =>
        {
            var raw = p.Read.Csv(csv);
            p.Run(OwnStages.Wait, raw);
        }), ["--data", State], stop.Token);

        Assert.Same(OwnStages.Waiting.Task, await Task.WhenAny(OwnStages.Waiting.Task, run));
        await stop.CancelAsync();

        Assert.Equal(130, await run);
    }

    [Theory]
    [InlineData(2, "--bogus")]
    [InlineData(2, "--param", "nobody=1")]
    [InlineData(2, "--param", "epochs=many")]
    [InlineData(2, "--param", "epochs")]
    [InlineData(2, "--cluster", "ftp://x")]
    [InlineData(3, "--cluster", "http://127.0.0.1:1")]
    [InlineData(3, "submit", "--cluster", "http://127.0.0.1:1")]
    [InlineData(0, "compile")]
    [InlineData(0, "explain")]
    [InlineData(0, "--help")]
    public async Task What_needs_no_run_ends_with_its_code(int exitCode, params string[] args)
    {
        Assert.Equal(exitCode, await Mill.RunAsync(OwnModels.Pipeline("parcels.csv"), args, TestContext.Current.CancellationToken));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    private Task<int> RunAsync(Pipeline pipeline, params string[] args) =>
        Mill.RunAsync(pipeline, ["--data", State, .. args], TestContext.Current.CancellationToken);
}
