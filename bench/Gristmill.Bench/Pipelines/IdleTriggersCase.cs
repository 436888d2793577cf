using System.Globalization;

namespace Gristmill.Bench.Pipelines;

/// <summary>10,000 cron triggers whose time has not come: what they cost the silo while nothing happens.</summary>
internal static class IdleTriggersCase
{
    private const int Triggers = 10_000, AtOnce = 32;

    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(10), s_watch = TimeSpan.FromSeconds(30);

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        using var silo = SiloUnderTest.Start();
        var spec = Dags.Chain(1);
        await silo.Client.RegisterPipelineAsync(spec);
        await Task.Delay(s_settle);
        var before = await silo.HeapAsync();
        var idle = await CpuShareAsync(silo);
        await Parallel.ForAsync(0, Triggers, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, cancellationToken) =>
            await silo.Client.PutTriggerAsync(
                new TriggerSpec { Name = string.Create(CultureInfo.InvariantCulture, $"t{i}"), Pipeline = spec.Name, Cron = new CronSchedule("0 3 1 1 *") },
                cancellationToken: cancellationToken));
        // Their grains go when nobody has called them for a while; here that is now.
        var bytes = (await silo.HeapAsync() - before) / (double)Triggers;
        await Task.Delay(s_settle);
        var share = await CpuShareAsync(silo);
        return
        [
            new("10,000 cron triggers idle: CPU", share * 100, string.Create(CultureInfo.InvariantCulture, $"% of a core (without them {idle * 100:0.##})"), "-", null, "< 1 more than without", share - idle < 0.01),
            new("10,000 cron triggers idle: live heap each", bytes, "bytes", "-", null, "< 2,048", bytes < 2048),
        ];
    }

    private static async Task<double> CpuShareAsync(SiloUnderTest silo)
    {
        var before = ProcessClock.CpuSeconds(silo.ProcessId);
        await Task.Delay(s_watch);
        return (ProcessClock.CpuSeconds(silo.ProcessId) - before) / s_watch.TotalSeconds;
    }
}
