namespace Gristmill.Cli.Commands;

/// <summary>The commands that control and examine runs, against a server that answers what a test says.</summary>
public sealed class RunCommandsTests : ServedCommandTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static RunView Run => new() { Id = "r1", Pipeline = "p", PipelineVersion = "0", Status = RunStatus.Running, Created = At };

    [Fact]
    public async Task Explain_names_what_differs()
    {
        Answer("/api/v1/runs/r2/stages/train/cache", new StageCacheView
        {
            Run = "r2",
            Stage = "train",
            Status = StageStatus.Succeeded,
            Outcome = CacheOutcome.Miss,
            Reason = "nothing has been computed from the same yet, or it has been evicted",
            Parts = [new FingerprintPart("argument epochs", "5")],
            Nearest = new CacheComparison { Run = "r1", Changes = [new FingerprintChange("argument epochs", "4", "5"), new FingerprintChange("argument rate", null, "0.1")] },
        });
        Assert.Equal("""
            Stage train was executed: nothing has been computed from the same yet, or it has been evicted.
            Compared with run r1:
            differs          was  is
            argument epochs  4    5
            argument rate    -    0.1

            """.ReplaceLineEndings("\n"), await RunAsync(0, "explain", "r2", "train"));
    }

    [Fact]
    public async Task Explain_names_the_execution_that_was_taken_over()
    {
        Answer("/api/v1/runs/r2/stages/train/cache", new StageCacheView
        {
            Run = "r2",
            Stage = "train",
            Status = StageStatus.Succeeded,
            Outcome = CacheOutcome.Hit,
            Origin = new StageOrigin("r1", "fit"),
            Computed = At,
        });
        Assert.StartsWith("Stage train took over what stage fit of run r1 computed at ", await RunAsync(0, "explain", "r2", "train"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pause", "is paused")]
    [InlineData("resume", "goes on")]
    [InlineData("retry", "goes on")]
    public async Task A_run_is_controlled(string verb, string outcome)
    {
        Answer($"/api/v1/runs/r1/{verb}", Run);
        Assert.Contains($"Run r1 {outcome}", await RunAsync(0, verb, "r1"), StringComparison.Ordinal);
        Assert.Equal([$"POST /api/v1/runs/r1/{verb}"], Asked);
    }

    [Fact]
    public async Task Logs_are_read_page_by_page_and_what_was_left_out_is_said()
    {
        Answer("/api/v1/runs/r1/stages/s/logs?offset=0&attempt=2", new LogPage { Attempt = 2, Offset = 0, Next = 6, Bytes = 2048, Text = "first\n" });
        Answer("/api/v1/runs/r1/stages/s/logs?offset=6&attempt=2", new LogPage { Attempt = 2, Offset = 1030, Next = 2048, Bytes = 2048, Dropped = 1024, Text = "last\n", Ended = true });
        Assert.Equal("first\n\n... 1 KiB were printed here and not kept ...\nlast\n", await RunAsync(0, "logs", "r1", "s", "--attempt", "2"));
    }

    [Fact]
    public async Task A_comparison_shows_what_differs_unlessAsked_for_all()
    {
        Answer("/api/v1/runs/compare?run=a&run=b", new ComparedRuns
        {
            Runs = ["a", "b"],
            Rows = [new ComparisonRow("parameter", "n", ["1", null], true), new ComparisonRow("run", "version", ["v", "v"], false)],
        });
        var lines = (await RunAsync(0, "compare", "a", "b")).Split('\n');
        Assert.Equal(["a", "b"], lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(["parameter", "n", "1", "-"], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("1 more are the same in all; --all shows them.", lines[2]);
        Assert.Contains("version", await RunAsync(0, "compare", "a", "b", "--all"), StringComparison.Ordinal);
        await RunAsync(2, "compare", "a");
    }

    [Fact]
    public async Task Named_runs_are_removed_and_one_that_cannot_be_is_told()
    {
        Answer("/api/v1/runs/r1", "");
        Answer("/api/v1/runs/r3", "");
        Assert.Equal("Run r1 is removed.\nRun r3 is removed.\n", await RunAsync(2, "rm", "r1", "r2", "r3", "r1"));
        Assert.Equal(["DELETE /api/v1/runs/r1", "DELETE /api/v1/runs/r2", "DELETE /api/v1/runs/r3"], Asked);
    }

    [Fact]
    public async Task Old_runs_are_listed_and_removed_only_if_that_is_confirmed()
    {
        RunRecord Old(string id) => new() { Id = id, Pipeline = "p", Status = RunStatus.Failed, Created = At, Ended = At };
        Answer("/api/v1/runs?limit=1000&pipeline=p&filter=ended*", new[] { Old("r1"), Old("r2") });
        Answer("/api/v1/runs/r1", "");
        Answer("/api/v1/runs/r2", "");

        var preview = await RunAsync(0, "rm", "--older-than", "30d", "--pipeline", "p");
        Assert.Contains("r2", preview, StringComparison.Ordinal);
        Assert.EndsWith("2 runs; nothing is removed yet: --yes removes them.\n", preview, StringComparison.Ordinal);
        Assert.DoesNotContain(Asked, static asked => asked.StartsWith("DELETE", StringComparison.Ordinal));

        Assert.Equal("Removed 2 runs.\n", await RunAsync(0, "rm", "--older-than", "30d", "--pipeline", "p", "--yes"));
        Answer("/api/v1/runs?limit=1000&pipeline=p&filter=ended*", new[] { Old("r1") });
        Assert.EndsWith("1 run; nothing is removed yet: --yes removes them.\n", await RunAsync(0, "rm", "--older-than", "30d", "--pipeline", "p"), StringComparison.Ordinal);
        Assert.Equal(["DELETE /api/v1/runs/r1", "DELETE /api/v1/runs/r2"], Asked.Where(static asked => asked.StartsWith("DELETE", StringComparison.Ordinal)).Order());
    }

    [Theory]
    [InlineData("rm")]
    [InlineData("rm", "r1", "--older-than", "30d")]
    [InlineData("rm", "r1", "--yes")]
    [InlineData("rm", "r1", "--pipeline", "p")]
    [InlineData("rm", "--older-than", "soon")]
    public async Task What_to_remove_must_be_said_in_one_way(params string[] args)
    {
        await RunAsync(2, args);
        Assert.Empty(Asked);
    }
}
