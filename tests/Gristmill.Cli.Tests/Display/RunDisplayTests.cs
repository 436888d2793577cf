using System.Collections.Immutable;
using Gristmill.Display;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Cli.Display;

public sealed class RunDisplayTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static StageView Stage(string name, StageStatus status) => new() { Name = name, Operation = "core.noop", Status = status };

    private static RunView Run(RunStatus status, params StageView[] stages) => new()
    {
        Id = "r1",
        Pipeline = "p",
        PipelineVersion = "0",
        Status = status,
        Created = Start,
        Started = Start,
        Stages = [.. stages],
    };

    private static async IAsyncEnumerable<RunEvent> Events(params RunEvent[] events)
    {
        foreach (var change in events)
        {
            await Task.Yield();
            yield return change;
        }
    }

    [Fact]
    public async Task Redirected_output_has_a_line_a_change()
    {
        var console = new TestConsole();
        var running = Stage("train", StageStatus.Running) with { Started = Start };
        var time = new FakeTimeProvider(Start);
        var display = new RunDisplay(console.Console, time);

        var last = await display.FollowAsync(Events(
            new RunEvent { Sequence = 1, Status = RunStatus.Running, Run = Run(RunStatus.Running, Stage("read", StageStatus.Running), Stage("train", StageStatus.Pending)) },
            new RunEvent
            {
                Sequence = 2,
                Status = RunStatus.Running,
                Stage = Stage("read", StageStatus.Succeeded) with { Started = Start, Ended = Start.AddSeconds(1.5), Usage = new StageUsage { Rows = 3_000_000 } },
            },
            new RunEvent { Sequence = 3, Status = RunStatus.Running, Stage = running },
            // Within two seconds of the last line of its stage: passed over.
            new RunEvent { Sequence = 4, Status = RunStatus.Running, Stage = running with { Progress = new StageProgress(0.5, "epoch 2") } },
            new RunEvent
            {
                Sequence = 5,
                Status = RunStatus.Failed,
                Run = Run(RunStatus.Failed, Stage("read", StageStatus.Succeeded), Stage("train", StageStatus.Failed) with
                {
                    Started = Start,
                    Ended = Start.AddSeconds(3),
                    Error = new ErrorInfo(ErrorCodes.StageFailed, "it threw"),
                }),
            }), TestContext.Current.CancellationToken);

        Assert.Equal(RunStatus.Failed, last!.Status);
        Assert.Equal("""
              read             running
              read             succeeded  3,000,000 rows  1.5 s
              train            running
              train            failed     3.0 s  it threw [stage.failed]

            """.ReplaceLineEndings("\n"), console.Text);
    }

    [Fact]
    public async Task Progress_appears_when_its_stage_was_quiet_for_a_while()
    {
        var console = new TestConsole();
        var time = new FakeTimeProvider(Start);
        var running = Stage("train", StageStatus.Running) with { Started = Start };

        async IAsyncEnumerable<RunEvent> Slow()
        {
            yield return new RunEvent { Sequence = 1, Status = RunStatus.Running, Run = Run(RunStatus.Running, running) };
            await Task.Yield();
            time.Advance(TimeSpan.FromSeconds(5));
            var metrics = ImmutableDictionary<string, double>.Empty.Add("loss", 0.4567891).Add("epoch", 2);
            yield return new RunEvent
            {
                Sequence = 2,
                Status = RunStatus.Running,
                Stage = running with { Progress = new StageProgress(0.5, null) { Metrics = metrics } },
            };
        }

        await new RunDisplay(console.Console, time).FollowAsync(Slow(), TestContext.Current.CancellationToken);

        Assert.Contains("train            running    50 %  epoch 2  loss 0.4568", console.Text);
    }

    [Fact]
    public void The_table_shows_what_each_stage_does()
    {
        var console = new TestConsole();
        console.Console.Profile.Width = 200;
        var run = Run(RunStatus.Running,
            Stage("read", StageStatus.Succeeded) with { Started = Start, Ended = Start.AddMilliseconds(250), Usage = new StageUsage { Rows = 1234 } },
            Stage("train", StageStatus.Running) with { Started = Start, Attempts = 2, Progress = new StageProgress(0.25, "epoch 1 of 4") },
            Stage("register", StageStatus.Skipped) with { Reason = "best.score > 0.66 does not hold" });

        console.Console.Write(new RunDisplay(console.Console, new FakeTimeProvider(Start.AddSeconds(2))).Table(run));

        Assert.Matches(@"read\s+│ succeeded\s+│\s+│ 1,234 │ 250 ms", console.Text);
        Assert.Matches(@"train\s+│ running \(attempt 2\)\s+│\s+25 % │\s+│\s+2\.0 s │ epoch 1 of 4", console.Text);
        Assert.Contains("does not hold", console.Text);
    }

    [Fact]
    public void The_end_of_a_failed_run_says_why_and_what_to_do()
    {
        var console = new TestConsole();
        var error = new GristmillException(ErrorCodes.Sql, "no such table", "Name one that is there.").With("log", "last line").Error;

        new RunDisplay(console.Console, TimeProvider.System).WriteEnd(Run(RunStatus.Failed) with { Ended = Start.AddSeconds(2), Error = error });

        Assert.Equal("Run r1 failed in 2.0 s.\nno such table [sql.error]\nName one that is there.\nlast line\n", console.Text);
    }

    [Fact]
    public async Task Of_thousands_of_stages_redirected_output_has_those_that_fail_and_counts()
    {
        var console = new TestConsole();
        var display = new RunDisplay(console.Console, new FakeTimeProvider(Start));
        var run = Run(RunStatus.Running, Stage("s0", StageStatus.Running)) with { Counts = new StageCounts { Pending = 9_999, Running = 1 } };
        var ended = new StageCounts { Succeeded = 9_998, Failed = 1, Cancelled = 1 };

        var last = await display.FollowAsync(Events(
            new RunEvent { Sequence = 1, Status = RunStatus.Running, Run = run, Counts = run.Counts },
            new RunEvent { Sequence = 1, Status = RunStatus.Running, Counts = run.Counts, Stages = [.. Enumerable.Range(0, 10_000).Select(i => Stage($"s{i}", StageStatus.Pending))] },
            new RunEvent { Sequence = 9, Status = RunStatus.Running, Counts = run.Counts, Stages = [.. Enumerable.Range(0, 9_000).Select(i => Stage($"s{i}", StageStatus.Succeeded))] },
            new RunEvent { Sequence = 10, Status = RunStatus.Running, Counts = run.Counts, Stage = Stage("s9999", StageStatus.Failed) with { Error = new ErrorInfo(ErrorCodes.StageFailed, "it threw") } },
            new RunEvent { Sequence = 11, Status = RunStatus.Failed, Counts = ended, Run = run with { Status = RunStatus.Failed, Counts = ended, Ended = Start, Stages = [Stage("s9999", StageStatus.Failed)] } }),
            TestContext.Current.CancellationToken);

        Assert.Equal(10_000, last!.Stages.Length);
        Assert.Equal("""
              s9999            failed     it threw [stage.failed]
              9,998 succeeded, 1 failed, 1 cancelled of 10,000 stages

            """, console.Text);
    }

    [Fact]
    public async Task A_pause_and_its_end_are_a_line_each()
    {
        var console = new TestConsole();
        var display = new RunDisplay(console.Console, new FakeTimeProvider(Start));
        var run = Run(RunStatus.Running, Stage("a", StageStatus.Running), Stage("b", StageStatus.Pending));

        var last = await display.FollowAsync(Events(
            new RunEvent { Sequence = 0, Status = RunStatus.Running, Run = run, Paused = false },
            new RunEvent { Sequence = 1, Status = RunStatus.Running, Paused = true },
            new RunEvent { Sequence = 2, Status = RunStatus.Running, Paused = true, Stage = Stage("a", StageStatus.Succeeded) },
            // Of an older silo: it cannot tell.
            new RunEvent { Sequence = 3, Status = RunStatus.Running, Stage = Stage("a", StageStatus.Succeeded) },
            new RunEvent { Sequence = 4, Status = RunStatus.Running, Paused = false },
            new RunEvent { Sequence = 5, Status = RunStatus.Running, Paused = false, Stage = Stage("b", StageStatus.Running) },
            new RunEvent { Sequence = 6, Status = RunStatus.Running, Paused = true }), TestContext.Current.CancellationToken);

        Assert.Equal("""
              a                running
              run r1 is paused
              a                succeeded
              run r1 goes on
              b                running
              run r1 is paused

            """, console.Text);
        Assert.True(last!.Paused);
        Assert.Equal(StageStatus.Running, last.Stages[1].Status);

        display.WriteEnd(last);
        Assert.EndsWith("Run r1 running, paused.\n", console.Text, StringComparison.Ordinal);
        console.Console.Write(display.Table(last));
        Assert.EndsWith("paused", console.Text.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_of_a_large_run_has_the_stages_to_look_at()
    {
        var console = new TestConsole();
        var stages = Enumerable.Range(0, 10_000).Select(i => Stage($"s{i}", i == 5_000 ? StageStatus.Failed : i >= 9_000 ? StageStatus.Running : StageStatus.Succeeded)).ToArray();

        console.Console.Write(new RunDisplay(console.Console, new FakeTimeProvider(Start)).Table(Run(RunStatus.Running, stages) with { Counts = StageCounts.Of(stages) }));

        Assert.Contains("s5000", console.Text, StringComparison.Ordinal);
        Assert.Contains("s9000", console.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("s10 ", console.Text, StringComparison.Ordinal);
        Assert.Contains("8,999 succeeded", console.Text, StringComparison.Ordinal);
        Assert.InRange(console.Text.Split('\n').Length, 20, 40);
    }
}
