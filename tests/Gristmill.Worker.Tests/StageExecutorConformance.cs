using System.Collections.Immutable;
using System.Diagnostics;

namespace Gristmill.Worker.Tests;

/// <summary>What every <see cref="IStageExecutor"/> must do; run against each by a class of its own. The tests share one executor: none may leave it broken for the next.</summary>
public abstract class StageExecutorConformance(ExecutorFixture fixture)
{
    protected Mill Mill => fixture.Mill;

    protected IStageExecutor Executor => fixture.Executor;

    protected RecordingStore Tracking => fixture.Tracking;

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_no_op_has_no_outputs() => Assert.Empty((await Executor.ExecuteAsync(Mill.NoOp(), null, Stop)).Outputs);

    [Fact]
    public async Task What_a_stage_logs_is_stored_before_it_has_succeeded()
    {
        var call = Mill.Call("LogMany", new { points = 5000, threads = 4 }) with { RunId = Unique() };
        await Executor.ExecuteAsync(call, null, Stop);

        for (var thread = 0; thread < 4; thread++)
        {
            var points = Tracking.Points(call.RunId, $"loss/{thread}");
            Assert.Equal(Enumerable.Range(0, 5000).Select(static step => ((long)step, (double)step)), points.Select(static p => (p.Step, p.Value)));
        }

        var batches = Tracking.Of(call.RunId).ToArray();
        Assert.All(batches, batch => Assert.Equal((call.Stage, call.Attempt), (batch.Stage, batch.Attempt)));
        Assert.Equal([new("epochs", "8"), new("rate", "0.1")], batches.SelectMany(static batch => batch.Parameters));
        Assert.Equal([new("team", "größe ✓")], batches.SelectMany(static batch => batch.Tags));
        Assert.Equal([double.NaN, double.NegativeInfinity], Tracking.Points(call.RunId, "odd").Select(static p => p.Value));

        var artifacts = batches.SelectMany(static batch => batch.Artifacts).ToDictionary(static artifact => artifact.Path);
        Assert.Equal(["figures/roc.svg", "reports/a.txt"], artifacts.Keys.Order(StringComparer.Ordinal));
        var report = Directory.GetFiles(Mill.Content.GetPath(artifacts["reports/a.txt"].Digest)).Single();
        Assert.Equal(("hello", 5L), (await File.ReadAllTextAsync(report, Stop), artifacts["reports/a.txt"].Bytes));
    }

    [Fact]
    public async Task What_a_failed_stage_logged_is_kept()
    {
        var call = Mill.Call("LogAndThrow") with { RunId = Unique() };
        var error = await Assert.ThrowsAsync<GristmillException>(() => Executor.ExecuteAsync(call, null, Stop));

        Assert.Equal(ErrorCodes.StageFailed, error.Code);
        Assert.Equal([0.25], Tracking.Points(call.RunId, "loss").Select(static p => p.Value));
    }

    [Fact]
    public async Task A_bad_name_fails_the_stage_that_logs_it_and_names_it()
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => Executor.ExecuteAsync(Mill.Call("LogNamed", new { name = "../secret" }), null, Stop));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains("../secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_refuses_fails_the_stage()
    {
        Tracking.Answer = Task.FromException(new GristmillException(ErrorCodes.StoreFull, "no room"));
        try
        {
            var error = await Assert.ThrowsAsync<GristmillException>(() => Executor.ExecuteAsync(Mill.Call("LogNamed", new { name = "loss" }), null, Stop));
            Assert.Equal(ErrorCodes.StoreFull, error.Code);
        }
        finally
        {
            Tracking.Answer = Task.CompletedTask;
        }

        await Executor.ExecuteAsync(Mill.Call("LogNamed", new { name = "loss" }), null, Stop);
    }

    [Fact]
    public async Task A_stage_does_not_end_before_its_points_are_durable()
    {
        var durable = new TaskCompletionSource();
        Tracking.Answer = durable.Task;
        try
        {
            var call = Mill.Call("LogNamed", new { name = "loss" }) with { RunId = Unique() };
            var run = Executor.ExecuteAsync(call, null, Stop);
            while (!Tracking.Of(call.RunId).Any())
            {
                await Task.Yield();
            }

            Assert.False(run.IsCompleted);
            durable.SetResult();
            await run;
        }
        finally
        {
            Tracking.Answer = Task.CompletedTask;
        }
    }

    private static string Unique() => "run-" + Guid.NewGuid().ToString("n");

    [Fact]
    public async Task Many_no_ops_run_at_once()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => Executor.ExecuteAsync(Mill.NoOp(), null, Stop)));
        Assert.Equal(500, results.Length);
    }

    [Fact]
    public async Task Many_stages_wait_for_their_turn()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 30).Select(a => Executor.ExecuteAsync(Mill.Call("Add", new { a }), null, Stop)));
        Assert.Equal(Enumerable.Range(0, 30).Select(a => a + 10.0), results.Select(r => r.Outputs["metrics"].Metrics!["value"]));
    }

    [Fact]
    public async Task Usage_is_measured()
    {
        var usage = (await Executor.ExecuteAsync(Mill.Call("Both"), null, Stop)).Usage;
        Assert.True(usage.WallMs > 0 && usage.CpuMs > 0, usage.ToString());
        Assert.True(usage.PeakRss > 1 << 20, usage.ToString());
        Assert.Equal(3, usage.Rows);
        Assert.True(usage.BytesOut > 0, usage.ToString());
        Assert.True(usage.BytesCopied >= 3 * sizeof(long), usage.ToString());
    }

    [Fact]
    public async Task Outputs_of_one_stage_are_inputs_of_the_next()
    {
        var made = await Executor.ExecuteAsync(Mill.Call("Sequence", new { batches = 2, rows = 4 }), null, Stop);
        var call = Mill.Call("Sum");
        var sum = await Executor.ExecuteAsync(call with { Inputs = call.Inputs.Add("data", made.Outputs["out"]) }, null, Stop);
        Assert.Equal(12, sum.Outputs["metrics"].Metrics!["value"]);
        Assert.Equal(0, sum.Usage.BytesCopied);
    }

    [Fact]
    public async Task Copies_are_counted_for_the_attempt_that_made_them()
    {
        var go = Mill.Path("go-" + Guid.NewGuid().ToString("n"));
        var reports = new Reports();
        var idle = Executor.ExecuteAsync(Mill.Call("WaitForFile", new { path = go }), reports, Stop);
        await reports.First;
        var copying = await Executor.ExecuteAsync(Mill.Call("Both"), null, Stop);
        await File.WriteAllTextAsync(go, "", Stop);
        Assert.True(copying.Usage.BytesCopied >= 3 * sizeof(long), copying.Usage.ToString());
        Assert.Equal(0, (await idle).Usage.BytesCopied);
    }

    [Fact]
    public async Task A_query_runs_over_an_input()
    {
        var made = await Executor.ExecuteAsync(Mill.Call("Sequence", new { batches = 2, rows = 4 }), null, Stop);
        var query = Mill.Request("q", StageOperations.SqlQuery, """{"query":"select value from rows where value > $least","values":{"least":1}}""");
        var result = await Executor.ExecuteAsync(query with { Inputs = query.Inputs.Add("rows", made.Outputs["out"]) }, null, Stop);
        Assert.Equal(4, result.Outputs["out"].Dataset!.Rows);
        Assert.Equal(4, result.Usage.Rows);
        Assert.Equal(0, result.Usage.BytesCopied);
    }

    [Fact]
    public async Task An_engines_own_error_keeps_its_code_and_names_the_stage()
    {
        var error = await Fails(Mill.Request("q", StageOperations.SqlQuery, """{"query":"select nothing from nowhere"}"""));
        Assert.Equal(ErrorCodes.Sql, error.Code);
        Assert.Contains("nowhere", error.Message, StringComparison.Ordinal);
        Assert.Equal("q", error.Error.Details["stage"]);
    }

    [Fact]
    public async Task Numbers_that_JSON_lacks_come_through()
    {
        var metrics = (await Executor.ExecuteAsync(Mill.Call("Numbers"), null, Stop)).Outputs["metrics"].Metrics!;
        Assert.Equal(double.NaN, metrics["b"]);
    }

    [Fact]
    public async Task Progress_is_reported_in_order()
    {
        var reports = new Reports();
        await Executor.ExecuteAsync(Mill.Call("Report"), reports, Stop);
        Assert.Equal(["step 1", "step 2", "step 3"], reports.All.Select(r => r.Message));
        Assert.Equal(1, reports.All.Last().Fraction);
    }

    [Fact]
    public async Task An_unknown_operation_is_invalid()
    {
        var error = await Fails(Mill.Request("x", "magic.wand", "{}"));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains("magic.wand", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_that_do_not_fit_are_invalid() =>
        Assert.Equal(ErrorCodes.Invalid, (await Fails(Mill.Request("x", StageOperations.Code, """{"nonsense":1}"""))).Code);

    [Fact]
    public async Task An_exception_of_the_stage_keeps_its_type_message_and_place()
    {
        var error = await Fails(Mill.Call("Throws", new { depth = 2 }));
        Assert.Equal(ErrorCodes.StageFailed, error.Code);
        Assert.Contains("InvalidOperationException: the mill is broken", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("second line", error.Message, StringComparison.Ordinal);
        Assert.Equal("throws", error.Error.Details["stage"]);
        Assert.StartsWith("at Gristmill.Worker.TestCode.TestStages.Throws", error.Error.Details["stack"], StringComparison.Ordinal);
        Assert.Contains("TestStages.cs:line", error.Error.Details["stack"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_stage_ends_within_a_second() => await Cancels(Mill.Call("WaitForToken"));

    [Fact]
    public async Task A_stage_that_ignores_its_token_is_given_up_within_a_second()
    {
        var error = await Cancels(Mill.Call("IgnoreToken"));
        Assert.Contains("did not look at its CancellationToken", error.Message, StringComparison.Ordinal);
        Assert.Equal(11, (await Executor.ExecuteAsync(Mill.Call("Add", new { a = 1 }), null, Stop)).Outputs["metrics"].Metrics!["value"]);
    }

    [Fact]
    public async Task A_token_cancelled_before_starts_nothing() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Executor.ExecuteAsync(Mill.Call("Add"), null, new CancellationToken(true)));

    [Fact]
    public async Task A_stage_that_takes_too_long_times_out()
    {
        var call = Mill.Call("WaitForToken");
        var error = await Fails(call with { Limits = new StageLimits { Timeout = TimeSpan.FromMilliseconds(150) } });
        Assert.Equal(ErrorCodes.Timeout, error.Code);
        Assert.Contains("0.15 s", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_stage_prints_is_in_its_own_log()
    {
        var calls = Enumerable.Range(0, 6).Select(i => Mill.Call("Print", new { text = $"stage {i}" }) with { RunId = $"{GetType().Name}-{i}" }).ToList();
        await Task.WhenAll(calls.Select(call => Executor.ExecuteAsync(call, null, Stop)));
        for (var i = 0; i < calls.Count; i++)
        {
            Assert.Equal($"stage {i} 1\nstage {i} 2\nstage {i} 3 \u00e4\nstage {i} end", Mill.Log(calls[i]));
        }

        var quiet = Mill.Call("Add", new { a = 1 });
        await Executor.ExecuteAsync(quiet, null, Stop);
        Assert.Equal("", Mill.Log(quiet));
    }

    [Fact]
    public async Task A_secret_is_in_nothing_that_a_stage_prints_or_tracks()
    {
        var call = Mill.Call("Tell", new Dictionary<string, object> { ["secret"] = new Dictionary<string, string> { ["$secret"] = "door" } }) with
        {
            RunId = Unique(),
            Secrets = ImmutableDictionary<string, string>.Empty.Add("door", "open-sesame-42"),
        };
        var error = await Fails(call);

        // It was given the secret: whoever stores the error, which is the attempt's owner, takes it out.
        Assert.Contains("threw open-sesame-42", error.Message, StringComparison.Ordinal);
        Assert.Equal("printed ***\ncomplained ***\nlogged ***\nended ***", Mill.Log(call));
        var batches = Tracking.Of(call.RunId).ToArray();
        Assert.Equal([new("key", "param ***")], batches.SelectMany(static batch => batch.Parameters));
        Assert.Equal([new("key", "tag ***")], batches.SelectMany(static batch => batch.Tags));
    }

    [Fact]
    public async Task The_types_that_a_retry_may_name_are_in_the_details()
    {
        var details = (await Fails(Mill.Call("ThrowsNoFile"))).Error.Details;
        Assert.Equal(("System.IO.FileNotFoundException", "System.IO.IOException"), (details["exception"], details["exceptionBases"]));
        details = (await Fails(Mill.Call("Throws", new { depth = 0 }))).Error.Details;
        Assert.Equal("System.InvalidOperationException", details["exception"]);
        Assert.False(details.ContainsKey("exceptionBases"));
    }

    [Fact]
    public async Task A_stage_that_falls_silent_is_ended_and_one_that_beats_is_not()
    {
        var limits = new StageLimits { HeartbeatTimeout = TimeSpan.FromSeconds(1) };
        await Executor.ExecuteAsync(Mill.Call("Beat", new { times = 30, thenStop = false }) with { Limits = limits }, null, Stop);
        var error = await Fails(Mill.Call("Beat", new { times = 3, thenStop = true }) with { Limits = limits });
        Assert.Equal(ErrorCodes.HeartbeatTimeout, error.Code);
        Assert.Contains("for 1 s", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stage_over_its_memory_limit_is_ended()
    {
        var call = Mill.Call("NativeMemoryHog");
        var error = await Fails(call with { Limits = new StageLimits { MemoryMiB = 200 } });
        Assert.Equal(ErrorCodes.WorkerMemory, error.Code);
        Assert.Contains("limit of 200 MiB", error.Message, StringComparison.Ordinal);
        Assert.True(long.Parse(error.Error.Details["peak"], System.Globalization.CultureInfo.InvariantCulture) > 200 << 20);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Threads_are_budgeted(int asked)
    {
        var call = Mill.Call("Threads");
        var result = await Executor.ExecuteAsync(call with { Limits = new StageLimits { Threads = asked } }, null, Stop);
        Assert.Equal(asked > 0 ? asked : Environment.ProcessorCount, result.Outputs["metrics"].Metrics!["value"]);
    }

    protected async Task<GristmillException> Fails(StageRequest request, IProgress<StageProgress>? progress = null) =>
        await Assert.ThrowsAsync<GristmillException>(() => Executor.ExecuteAsync(request, progress, Stop));

    private async Task<OperationCanceledException> Cancels(StageRequest request)
    {
        using var cancellation = new CancellationTokenSource();
        var reports = new Reports();
        var running = Executor.ExecuteAsync(request, reports, cancellation.Token);
        await reports.First;
        var watch = Stopwatch.StartNew();
        await cancellation.CancelAsync();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        // A second is the promise; the rest is for machines that run other tests beside.
        Assert.True(watch.ElapsedMilliseconds < 1500, $"{watch.ElapsedMilliseconds} ms");
        return error;
    }
}
