using System.Diagnostics;
using System.Globalization;

namespace Gristmill.Worker.Tests;

public sealed class WorkerStageExecutorTests : StageExecutorConformance
{
    private string? _runtime;
    private string? _logs;

    private WorkerStageExecutor Pool => (WorkerStageExecutor)Executor;

    protected override IStageExecutor Create()
    {
        (_runtime, _logs) = (Mill.Path("r"), Mill.Path("logs"));
        return new WorkerStageExecutor(Mill.Objects, Mill.Content, Options());
    }

    private WorkerPoolOptions Options() => new() { Slots = 2, RuntimeDirectory = _runtime, LogDirectory = _logs };

    [Fact]
    public async Task A_worker_killed_in_mid_stage_is_named_with_its_signal_and_last_lines()
    {
        var error = await Fails(Mill.Call("KillSelf"));
        Assert.Equal(ErrorCodes.WorkerCrashed, error.Code);
        Assert.Contains("SIGKILL", error.Message, StringComparison.Ordinal);
        Assert.Equal("SIGKILL", error.Error.Details["signal"]);
        Assert.Equal("137", error.Error.Details["exitCode"]);
        Assert.Equal("killself", error.Error.Details["stage"]);
        var log = error.Error.Details["log"].Split('\n');
        Assert.Equal(50, log.Length);
        Assert.Contains("line 60", log);
        Assert.Contains("last words", log);
        Assert.DoesNotContain("line 5", log);
        Assert.Equal(11, await Add(1));
        Assert.Contains("line 1\n", string.Concat(Directory.EnumerateFiles(_logs!).Select(File.ReadAllText)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_killed_from_outside_is_replaced()
    {
        var reports = new Reports();
        var running = Fails(Mill.Call("WaitForToken"), reports);
        await reports.First;
        Process.GetProcessById(Pool.Workers.Single(w => w.Busy).ProcessId).Kill();
        Assert.Equal("SIGKILL", (await running).Error.Details["signal"]);
        Assert.Equal(12, await Add(2));
    }

    [Theory]
    [InlineData("NativeCrash", "SIGSEGV")]
    [InlineData("ManagedCrash", "SIGABRT")]
    public async Task A_crash_in_native_code_is_named_with_its_signal(string method, string signal)
    {
        var error = await Fails(Mill.Call(method));
        Assert.Equal(ErrorCodes.WorkerCrashed, error.Code);
        Assert.Contains(error.Error.Details["signal"], new[] { signal, "SIGABRT" });
        Assert.Equal(13, await Add(3));
    }

    [Fact]
    public async Task A_stage_that_exits_its_process_is_named_with_the_exit_code()
    {
        var error = await Fails(Mill.Call("ExitSelf"));
        Assert.Equal(ErrorCodes.WorkerCrashed, error.Code);
        Assert.Contains("exit code 3", error.Message, StringComparison.Ordinal);
        Assert.False(error.Error.Details.ContainsKey("signal"));
    }

    [Fact]
    public async Task Managed_memory_over_the_limit_is_a_memory_error()
    {
        var call = Mill.Call("ManagedMemory");
        var error = await Fails(call with { Limits = new StageLimits { MemoryMiB = 150 } });
        Assert.Equal(ErrorCodes.WorkerMemory, error.Code);
        Assert.Equal(14, await Add(4));
    }

    [Fact]
    public async Task No_ops_run_beside_a_heavy_attempt_and_survive_its_worker()
    {
        using var cancellation = new CancellationTokenSource();
        var reports = new Reports();
        var heavy = Executor.ExecuteAsync(Mill.Call("IgnoreToken"), reports, cancellation.Token);
        await reports.First;
        var light = Task.Run(async () =>
        {
            while (!heavy.IsCompleted)
            {
                await Executor.ExecuteAsync(Mill.NoOp(), null, Stop);
            }
        }, Stop);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => heavy);
        await light;
    }

    [Fact]
    public async Task Stages_run_in_other_processes_at_most_as_many_as_slots()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Executor.ExecuteAsync(Mill.Call("ProcessId"), null, Stop)));
        var processes = results.Select(r => (int)r.Outputs["metrics"].Metrics!["value"]).Distinct().ToList();
        Assert.InRange(processes.Count, 1, 2);
        Assert.DoesNotContain(Environment.ProcessId, processes);
    }

    [Fact]
    public async Task Disposing_leaves_no_process_and_no_socket()
    {
        await Pool.WarmUpAsync(2, Stop);
        var reports = new Reports();
        var running = Fails(Mill.Call("IgnoreToken"), reports);
        await reports.First;
        var processes = Pool.Workers.Select(w => w.ProcessId).ToList();
        Assert.Equal(2, processes.Count);
        await Pool.DisposeAsync();
        Assert.Equal(ErrorCodes.WorkerCrashed, (await running).Code);
        Assert.All(processes, id => Assert.False(IsWorker(id)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_runtime!));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Executor.ExecuteAsync(Mill.NoOp(), null, Stop));
    }

    [Fact]
    public async Task Workers_have_a_lower_priority_and_go_first_when_memory_runs_out()
    {
        await Pool.WarmUpAsync(1, Stop);
        var worker = Pool.Workers.Single().ProcessId;
        var stat = await File.ReadAllTextAsync($"/proc/{worker}/stat", Stop);
        Assert.Equal("5", stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16]);
        Assert.Equal("500", (await File.ReadAllTextAsync($"/proc/{worker}/oom_score_adj", Stop)).Trim());
    }

    [Fact]
    public async Task The_token_is_neither_in_the_arguments_nor_in_the_environment()
    {
        await Pool.WarmUpAsync(1, Stop);
        var worker = Pool.Workers.Single().ProcessId;
        Assert.DoesNotContain("oken", await File.ReadAllTextAsync($"/proc/{worker}/cmdline", Stop), StringComparison.Ordinal);
        Assert.DoesNotContain(_runtime!, await File.ReadAllTextAsync($"/proc/{worker}/environ", Stop), StringComparison.Ordinal);
    }

    internal static bool IsWorker(int process)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/cmdline")).Contains("Gristmill.Worker.dll", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task<double> Add(int a) =>
        (await Executor.ExecuteAsync(Mill.Call("Add", new { a }), null, Stop)).Outputs["metrics"].Metrics!["value"];
}
