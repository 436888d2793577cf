using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Worker.Tests;

public sealed class WorkerStageExecutorTests(WorkerStageExecutorTests.Fixture fixture)
    : StageExecutorConformance(fixture), IClassFixture<WorkerStageExecutorTests.Fixture>
{
    private WorkerStageExecutor Pool => (WorkerStageExecutor)Executor;

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
        Assert.Equal(["line 59", "line 60", "last words"], log[^3..]);
        Assert.Equal(11, await Add(1));
        Assert.Contains("line 1\n", string.Concat(Directory.EnumerateFiles(Mill.Path("logs")).Select(File.ReadAllText)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_flushed_survives_the_workers_sudden_death()
    {
        var call = Mill.Call("LogAndDie", new { points = 100_000 }) with { RunId = "run-" + Guid.NewGuid().ToString("n") };
        var error = await Fails(call);

        Assert.Equal("SIGKILL", error.Error.Details["signal"]);
        Assert.Equal(Enumerable.Range(0, 100_000).Select(static step => (long)step), Tracking.Points(call.RunId, "loss").Select(static point => point.Step));
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
    public async Task What_a_worker_printed_before_it_died_is_in_the_log()
    {
        var call = Mill.Call("KillSelf") with { RunId = "printed" };
        await Fails(call);
        Assert.EndsWith("line 59\nline 60\nlast words\n", Mill.Log(call), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stage_that_prints_a_gigabyte_costs_what_is_kept()
    {
        const long Lines = (1L << 30) / 64;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var call = Mill.Call("PrintMuch", new { lines = Lines }) with { RunId = "much" };
        await Executor.ExecuteAsync(call, null, Stop);
        // A quarter of what was printed: other tests of this process take memory meanwhile.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 256 << 20);

        var stage = new StageOrigin(call.RunId, call.Stage);
        var kept = Mill.Files.KeepLog(stage, 1)!;
        Assert.Equal(Lines * 64, kept.Bytes);
        Assert.Equal((Lines * 64) - (320 << 10), kept.Dropped);
        var head = Mill.Files.ReadLog(stage, 1, kept, 0, 1 << 20)!;
        Assert.StartsWith("0....", head.Text, StringComparison.Ordinal);
        Assert.Equal((256 << 10, 0), (head.Next, head.Dropped));
        var tail = Mill.Files.ReadLog(stage, 1, kept, head.Next, 1 << 20)!;
        Assert.Equal(kept.Dropped, tail.Dropped);
        Assert.True(tail.Ended);
        Assert.StartsWith($"\n{Lines - 1}....", tail.Text[^65..], StringComparison.Ordinal);
        Assert.Equal(11, await Add(1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_stage_has_started_does_not_outlive_it(bool die)
    {
        // A time that no other process sleeps for.
        var seconds = string.Create(CultureInfo.InvariantCulture, $"86400.{Environment.ProcessId}{(die ? 1 : 2)}");
        var call = Mill.Call("Fork", new { seconds, die });
        if (die)
        {
            Assert.Equal(ErrorCodes.WorkerCrashed, (await Fails(call)).Code);
        }
        else
        {
            await Executor.ExecuteAsync(call, null, Stop);
        }

        Assert.DoesNotContain(Directory.EnumerateDirectories("/proc").Where(static folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])), folder => Command(folder).Contains(seconds, StringComparison.Ordinal));
        Assert.Equal(15, await Add(5));

        static string Command(string folder)
        {
            try
            {
                // Of one that has ended, and whose parent has not heard of it, it is empty.
                return File.ReadAllText(Path.Combine(folder, "cmdline"));
            }
            catch (IOException)
            {
                return "";
            }
        }
    }

    [Fact]
    public async Task A_checkpoint_outlives_the_worker_that_saved_it()
    {
        var call = Mill.Call("Count", new { to = 10, dieAt = 6 }) with { RunId = "count" };
        Assert.Equal(ErrorCodes.WorkerCrashed, (await Fails(call)).Code);
        var second = await Executor.ExecuteAsync(call with { Attempt = 2, Epoch = 2 }, null, Stop);
        Assert.Equal(6, second.Outputs["metrics"].Metrics!["value"]);
        Assert.Single(Directory.EnumerateFiles(Mill.Files.Checkpoints, "*", SearchOption.AllDirectories));
        Mill.Files.RemoveCheckpoints(new StageOrigin("count", call.Stage));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Mill.Files.Checkpoints));
        Assert.Equal(0, (await Executor.ExecuteAsync(call with { Attempt = 3, Epoch = 3, Options = Mill.Call("Count", new { to = 2, dieAt = 6 }).Options }, null, Stop)).Outputs["metrics"].Metrics!["value"]);
        Mill.Files.RemoveCheckpoints(new StageOrigin("count", call.Stage));
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
        await using var pool = Own("dispose", new WorkerPoolOptions { Slots = 2 });
        await pool.WarmUpAsync(2, Stop);
        var reports = new Reports();
        var running = Assert.ThrowsAsync<GristmillException>(() => pool.ExecuteAsync(Mill.Call("IgnoreToken"), reports, Stop));
        await reports.First;
        var processes = pool.Workers.Select(w => w.ProcessId).ToList();
        Assert.Equal(2, processes.Count);
        await pool.DisposeAsync();
        Assert.Equal(ErrorCodes.WorkerCrashed, (await running).Code);
        Assert.All(processes, id => Assert.False(IsWorker(id)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Mill.Path("dispose")));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pool.ExecuteAsync(Mill.NoOp(), null, Stop));
    }

    [Fact]
    public async Task Workers_have_a_lower_priority_and_go_first_when_memory_runs_out()
    {
        await Pool.WarmUpAsync(1, Stop);
        var worker = Pool.Workers[0].ProcessId;
        var stat = await File.ReadAllTextAsync($"/proc/{worker}/stat", Stop);
        Assert.Equal("5", stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16]);
        Assert.Equal("500", (await File.ReadAllTextAsync($"/proc/{worker}/oom_score_adj", Stop)).Trim());
    }

    [Fact]
    public async Task The_token_is_neither_in_the_arguments_nor_in_the_environment()
    {
        await Pool.WarmUpAsync(1, Stop);
        var worker = Pool.Workers[0].ProcessId;
        Assert.DoesNotContain("oken", await File.ReadAllTextAsync($"/proc/{worker}/cmdline", Stop), StringComparison.Ordinal);
        Assert.DoesNotContain(Mill.Path("r"), await File.ReadAllTextAsync($"/proc/{worker}/environ", Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Workers_die_with_the_process_that_started_them()
    {
        // A worker whose stage opens a pool of its own stands for the silo; it is killed, and its worker must go too.
        var call = Mill.Call("HostPool", new { objects = Mill.Objects.Options.Directory, content = Mill.Content.Root, runtime = Mill.Path("inner") });
        var reports = new Reports();
        var running = Fails(call, reports);
        await reports.First;
        var inner = int.Parse(reports.All.First().Message!, CultureInfo.InvariantCulture);
        Assert.True(IsWorker(inner));
        Process.GetProcessById(Pool.Workers.Single(w => w.Busy).ProcessId).Kill();
        Assert.Equal("SIGKILL", (await running).Error.Details["signal"]);
        Assert.True(await Gone(inner), "the inner worker outlived its parent");
        // The next pool in the same place sweeps what the killed one left.
        await using var next = Own("inner", new WorkerPoolOptions());
        Assert.Single(Directory.EnumerateFileSystemEntries(Mill.Path("inner")));
    }

    [Fact]
    public async Task A_worker_that_stops_answering_is_killed_and_replaced()
    {
        await using var pool = Own("hung", new WorkerPoolOptions { Slots = 1, PingTimeout = TimeSpan.FromSeconds(1) });
        var reports = new Reports();
        var running = Assert.ThrowsAsync<GristmillException>(() => pool.ExecuteAsync(Mill.Call("WaitForToken"), reports, Stop));
        await reports.First;
        using var stop = Process.Start("kill", ["-STOP", pool.Workers[0].ProcessId.ToString(CultureInfo.InvariantCulture)]);
        var error = await running.WaitAsync(TimeSpan.FromSeconds(20), Stop);
        Assert.Equal(ErrorCodes.WorkerCrashed, error.Code);
        Assert.Contains("stopped answering", error.Message, StringComparison.Ordinal);
        Assert.Empty((await pool.ExecuteAsync(Mill.NoOp(), null, Stop)).Outputs);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(0, 1)]
    public async Task A_busy_worker_has_spare_ones_beside_it(int spare, int workers)
    {
        await using var pool = Own("spare", new WorkerPoolOptions { Slots = 2, Spare = spare });
        using var cancellation = new CancellationTokenSource();
        var reports = new Reports();
        pool.Prepare();
        await pool.WarmUpAsync(0, Stop);
        Assert.Single(pool.Workers);

        var running = Assert.ThrowsAnyAsync<OperationCanceledException>(() => pool.ExecuteAsync(Mill.Call("WaitForToken"), reports, cancellation.Token));
        await reports.First;
        await pool.WarmUpAsync(0, Stop);

        Assert.Equal(workers, pool.Workers.Count);
        await cancellation.CancelAsync();
        await running;
    }

    [Fact]
    public async Task Idle_workers_are_ended_but_the_warm_ones()
    {
        var time = new FakeTimeProvider();
        await using var pool = Own("idle", new WorkerPoolOptions { Slots = 3, KeepWarm = 1, PingTimeout = TimeSpan.FromDays(1) }, time);
        await pool.WarmUpAsync(3, Stop);
        var first = pool.Workers.Select(w => w.ProcessId).ToList();
        Assert.Equal(3, first.Count);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var tries = 0; tries < 300 && pool.Workers.Count > 1; tries++)
        {
            time.Advance(TimeSpan.FromSeconds(30));
            await timer.WaitForNextTickAsync(Stop);
        }

        var kept = Assert.Single(pool.Workers).ProcessId;
        Assert.All(await Task.WhenAll(first.Where(id => id != kept).Select(Gone)), Assert.True);
        Assert.True(IsWorker(kept));
    }

    [Fact]
    public async Task No_native_library_is_loaded_before_an_engine_needs_it()
    {
        await using var pool = Own("lazy", new WorkerPoolOptions { Slots = 1 });
        await pool.ExecuteAsync(Mill.NoOp(), null, Stop);
        await pool.ExecuteAsync(Mill.Call("Add", new { a = 1 }), null, Stop);
        var worker = pool.Workers.Single();
        var maps = await File.ReadAllTextAsync($"/proc/{worker.ProcessId}/maps", Stop);
        Assert.All(["libtorch", "libduckdb", "lib_lightgbm", "onnxruntime", "TorchSharp.dll", "Gristmill.Engines.Sql", "Gristmill.Engines.MLNet"],
            library => Assert.DoesNotContain(library, maps, StringComparison.Ordinal));
        Assert.InRange(worker.OwnMemory, 1, 100 << 20);
    }

    [Fact]
    public async Task An_idle_worker_does_not_keep_the_memory_that_native_code_freed()
    {
        await using var pool = Own("freed", new WorkerPoolOptions { Slots = 1 });
        var result = await pool.ExecuteAsync(Mill.Call("NativeMemoryFreed"), null, Stop);

        Assert.InRange(result.Outputs["metrics"].Metrics!["value"], 256 << 20, double.MaxValue);
        Assert.InRange(pool.Workers.Single().OwnMemory, 1, 128 << 20);
    }

    [Fact]
    public async Task A_worker_killed_in_mid_write_leaves_nothing_in_the_store()
    {
        var before = Directory.GetFiles(Mill.Objects.Options.Directory);
        var error = await Fails(Mill.Call("KillSelfWriting"));
        Assert.Equal("SIGKILL", error.Error.Details["signal"]);
        Assert.Equal(before.Order(), Directory.GetFiles(Mill.Objects.Options.Directory).Order());
    }

    [Fact]
    public async Task A_worn_worker_is_replaced()
    {
        await using var pool = Own("worn", new WorkerPoolOptions { Slots = 1, MaxAttempts = 2 });
        var processes = new List<double>();
        for (var at = 0; at < 4; at++)
        {
            processes.Add((await pool.ExecuteAsync(Mill.Call("ProcessId"), null, Stop)).Outputs["metrics"].Metrics!["value"]);
        }

        Assert.Equal(processes[0], processes[1]);
        Assert.Equal(processes[2], processes[3]);
        Assert.NotEqual(processes[1], processes[2]);
    }

    [Fact]
    public async Task A_stranger_on_the_socket_is_turned_away()
    {
        await using var pool = Own("stranger", new WorkerPoolOptions { Slots = 1 });
        await pool.WarmUpAsync(1, Stop);
        var path = Directory.EnumerateFileSystemEntries(Directory.EnumerateDirectories(Mill.Path("stranger")).Single()).Single();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        using var connection = new FrameConnection(socket);
        connection.Send(FrameKind.Hello, 0, new WorkerHello(1, new string('0', 64), 1), WorkerJson.Default.WorkerHello);
        await Task.Run(() => connection.Read((_, _, _) => Assert.Fail("a stranger was given work")), Stop).WaitAsync(TimeSpan.FromSeconds(10), Stop);
        Assert.Empty((await pool.ExecuteAsync(Mill.NoOp(), null, Stop)).Outputs);
    }

    [Fact]
    public async Task An_attempt_gets_the_processors_of_those_that_end_and_shares_with_those_that_start()
    {
        var (all, half) = (Environment.ProcessorCount, Math.Max(1, Environment.ProcessorCount / 2));
        using var leave = new CancellationTokenSource();
        var (alone, beside) = (new Reports(), new Reports());
        var attempt = Executor.ExecuteAsync(Mill.Call("WaitForThreads", new { threads = (int[])[all, half, all] }), alone, default);
        await alone.First;
        var other = Executor.ExecuteAsync(Mill.Call("WaitForThreads", new { threads = (int[])[half, 1 + all] }), beside, leave.Token);
        await beside.First;
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other);
        await attempt;
    }

    [Fact]
    public async Task A_stage_that_waits_for_a_slot_can_be_cancelled()
    {
        await using var pool = Own("queue", new WorkerPoolOptions { Slots = 1 });
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        var reports = new Reports();
        var running = pool.ExecuteAsync(Mill.Call("WaitForToken"), reports, first.Token);
        await reports.First;
        var waiting = pool.ExecuteAsync(Mill.Call("WaitForToken"), null, second.Token);
        await second.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.False(running.IsCompleted);
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
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

    private WorkerStageExecutor Own(string runtime, WorkerPoolOptions options, TimeProvider? time = null) =>
        new(Mill.Objects, Mill.Content, options with { RuntimeDirectory = Mill.Path(runtime) }, time);

    /// <summary>Whether the process ends within seconds. It is no child of this one, so nothing tells when it does.</summary>
    private static async Task<bool> Gone(int process)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var tries = 0; tries < 300 && IsWorker(process); tries++)
        {
            await timer.WaitForNextTickAsync(Stop);
        }

        return !IsWorker(process);
    }

    public sealed class Fixture : ExecutorFixture
    {
        protected override IStageExecutor Create() => new WorkerStageExecutor(Mill.Objects, Mill.Content,
            new WorkerPoolOptions { Slots = 2, RuntimeDirectory = Mill.Path("r"), LogDirectory = Mill.Path("logs") }, tracking: Tracking, files: Mill.Files);
    }
}
