using System.Diagnostics;
using System.Globalization;
using Gristmill.Client;
using Gristmill.Objects;
using Gristmill.Worker;

namespace Gristmill.Bench.Lifecycle;

/// <summary>No-op stages: dispatched to a warm worker, against Ray's tasks; and durable ones through the whole silo.</summary>
internal static class DispatchCase
{
    private const int Dispatched = 20_000;
    private const int InFlight = 64;
    private const int Durable = 4_000;

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var (dispatched, cpu) = await DispatchAsync();
        var durable = await DurableAsync();
        var ray = Rivals.Run(Rivals.RayPython, "ray_tasks.py", "5000");
        var tasks = ray?.GetProperty("tasks_per_s").GetDouble();
        var against = tasks is { } rate ? string.Create(CultureInfo.InvariantCulture, $"Ray {rate:0} tasks/s") : "rival absent";
        return
        [
            new("no-op stage to a warm worker", dispatched, "stages/s", against, dispatched / tasks, ">= 5,000/s and >= 3x Ray", dispatched >= 5000 && dispatched / tasks >= 3),
            new("no-op stage to a warm worker: CPU of both processes", cpu, "us/stage", "-", null, "-", true),
            new("durable no-op stages", durable, "stages/s", "-", null, ">= 1,500/s", durable >= 1500),
        ];
    }

    private static async Task<(double PerSecond, double CpuMicros)> DispatchAsync()
    {
        var folder = Directory.CreateTempSubdirectory("gristmill-dispatch-").FullName;
        try
        {
            using var objects = ObjectStore.Open(new ObjectStoreOptions { Directory = Path.Combine(folder, "objects") });
            await using var executor = new WorkerStageExecutor(objects, new ContentStore(Path.Combine(folder, "content")), new WorkerPoolOptions { Slots = 1 });
            await executor.WarmUpAsync();
            await LoopAsync(executor, 5_000);
            var worker = executor.Workers[0].ProcessId;
            var cpu = ProcessClock.CpuSeconds(Environment.ProcessId) + ProcessClock.CpuSeconds(worker);
            var start = Stopwatch.GetTimestamp();
            await LoopAsync(executor, Dispatched);
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            cpu = ProcessClock.CpuSeconds(Environment.ProcessId) + ProcessClock.CpuSeconds(worker) - cpu;
            return (Dispatched / seconds, cpu / Dispatched * 1e6);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task LoopAsync(WorkerStageExecutor executor, int count)
    {
        var next = 0;
        return Task.WhenAll(Enumerable.Range(0, InFlight).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var i && i <= count)
            {
                await executor.ExecuteAsync(new StageRequest { RunId = "bench", Stage = $"s{i}", Attempt = 1, Epoch = 1, Operation = StageOperations.NoOp }, null, default);
            }
        }));
    }

    private static async Task<double> DurableAsync()
    {
        using var silo = await ServerProcess.StartSiloAsync();
        using var client = new GristmillClient(silo.Url.ToString());
        var spec = FlightsPipelines.NoOps(Durable);
        await client.RegisterPipelineAsync(spec);
        double best = 0;
        for (var round = 0; round < 3; round++)
        {
            var run = await Runs.FinishAsync(client, await client.StartRunAsync(spec.Name));
            best = Math.Max(best, Durable / (run.Ended! - run.Created).Value.TotalSeconds);
        }

        return best;
    }
}
