using System.Diagnostics;
using System.Globalization;
using Gristmill.Client;

namespace Gristmill.Bench.Pipelines;

/// <summary>
/// What triggers cost that wait: 10,000 daily crons in a silo that was started anew, beside one without any. Memory is what is
/// alive after a full collection, with the reminders' timers.
/// </summary>
internal static class TriggersCase
{
    private const int Triggers = 10_000, AtOnce = 16;

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(30), Span = TimeSpan.FromSeconds(60);

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("gristmill-bench-").FullName;
        var bare = Directory.CreateTempSubdirectory("gristmill-bench-").FullName;
        try
        {
            var adding = Stopwatch.StartNew();
            using (var server = Start(folder))
            {
                await AddAsync(server.Url);
                adding.Stop();
            }

            using var waiting = Start(folder);
            using var empty = Start(bare);
            await Task.Delay(Settle);
            var before = (Waiting: ProcessClock.CpuSeconds(waiting.Id), Empty: ProcessClock.CpuSeconds(empty.Id));
            var clock = Stopwatch.StartNew();
            await Task.Delay(Span);
            var seconds = clock.Elapsed.TotalSeconds;
            var cpu = 100 * (ProcessClock.CpuSeconds(waiting.Id) - before.Waiting) / seconds;
            var cpuOfNone = 100 * (ProcessClock.CpuSeconds(empty.Id) - before.Empty) / seconds;
            var each = (await HeapAsync(waiting.Url) - await HeapAsync(empty.Url)) / (double)Triggers;
            return
            [
                new("10,000 cron triggers idle: CPU above an empty silo's", Math.Max(0, cpu - cpuOfNone), "% of a core", string.Create(CultureInfo.InvariantCulture, $"empty silo {cpuOfNone:0.00}"), null, "< 1 %", cpu - cpuOfNone < 1),
                new("10,000 cron triggers idle: memory", each, "bytes each", "-", null, "< 2,048", each < 2048),
                new("cron triggers added over REST", Triggers / adding.Elapsed.TotalSeconds, "1/s", "-", null, "-", true),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            Directory.Delete(bare, recursive: true);
        }
    }

    private static ServerProcess Start(string folder) =>
        ServerProcess.StartSelf(BenchSilo.Role, $"--Gristmill:DataDirectory={folder}", $"--Gristmill:ObjectDirectory={Path.Combine(folder, "objects")}");

    private static async Task AddAsync(Uri server)
    {
        using var client = new GristmillClient(server.AbsoluteUri);
        await client.RegisterPipelineAsync(Dags.Chain(1) with { Name = "scheduled" });
        await Parallel.ForEachAsync(Enumerable.Range(0, Triggers), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, cancellation) => await client.PutTriggerAsync(
            new TriggerSpec
            {
                Name = string.Create(CultureInfo.InvariantCulture, $"t-{i:00000}"),
                Pipeline = "scheduled",
                // Half a day away, whenever this runs.
                Cron = new CronSchedule(string.Create(CultureInfo.InvariantCulture, $"{i % 60} {(DateTime.UtcNow.Hour + 12) % 24} * * *"), "UTC"),
            },
            cancellationToken: cancellation));
    }

    private static async Task<long> HeapAsync(Uri server)
    {
        using var http = new HttpClient();
        return long.Parse(await http.GetStringAsync(new Uri(server, "/bench/heap")), CultureInfo.InvariantCulture);
    }
}
