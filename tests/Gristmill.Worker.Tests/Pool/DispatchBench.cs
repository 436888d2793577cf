using System.Diagnostics;

namespace Gristmill.Worker.Tests;

/// <summary>Dispatch of no-op stages to a warm worker; run it by name to see the figures.</summary>
public sealed class DispatchBench
{
    [Fact(Explicit = true)]
    public async Task No_ops_a_second()
    {
        using var mill = new Mill();
        await using var pool = new WorkerStageExecutor(mill.Objects, mill.Content, new WorkerPoolOptions { Slots = 1, RuntimeDirectory = mill.Path("r") });
        var request = Mill.NoOp();
        await pool.WarmUpAsync();
        for (var round = 0; round < 4; round++)
        {
            var cpu = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            const int Count = 20_000;
            await Task.WhenAll(Enumerable.Range(0, 64).Select(async _ =>
            {
                for (var at = 0; at < Count / 64; at++)
                {
                    await pool.ExecuteAsync(request, null, default);
                }
            }));
            TestContext.Current.TestOutputHelper?.WriteLine($"64 at once: {Count / watch.Elapsed.TotalSeconds:N0}/s, pool cpu {(Environment.CpuUsage.TotalTime - cpu).TotalSeconds:0.00} s of {watch.Elapsed.TotalSeconds:0.00}");
            watch.Restart();
            for (var at = 0; at < 3000; at++)
            {
                await pool.ExecuteAsync(request, null, default);
            }

            TestContext.Current.TestOutputHelper?.WriteLine($"one at a time: {watch.Elapsed.TotalMicroseconds / 3000:0} us each");
        }

        foreach (var worker in pool.Workers)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"worker own memory {worker.OwnMemory >> 20} MiB, rss {ProcessMemory.Of(worker.ProcessId).Resident >> 20} MiB");
        }
    }
}
