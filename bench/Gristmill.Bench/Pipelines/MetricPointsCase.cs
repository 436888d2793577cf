using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Gristmill.Engines;
using Gristmill.Objects;
using Gristmill.Storage.Sqlite;
using Gristmill.Worker;

namespace Gristmill.Bench.Pipelines;

/// <summary>
/// A million metric points logged by one stage in a worker process, over its socket into the store of the process that stands for the silo. When the stage has
/// flushed, that process is killed with SIGKILL, and its worker with it; what is in the file then is counted.
/// </summary>
internal static class MetricPointsCase
{
    private const int Points = 1_000_000;

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("gristmill-points-").FullName;
        try
        {
            var answer = Path.Combine(folder, "answer.json");
            using (var silo = Process.Start(new ProcessStartInfo("dotnet", [typeof(MetricPointsCase).Assembly.Location, "metric-points", folder]) { RedirectStandardInput = true })!)
            {
                while (!File.Exists(answer) && !silo.HasExited)
                {
                    await Task.Delay(20);
                }

                silo.Kill();
                await silo.WaitForExitAsync();
            }

            var measured = JsonDocument.Parse(await File.ReadAllTextAsync(answer)).RootElement;
            using var store = new SqliteTrackingStore(new SqliteTrackingOptions { Path = Path.Combine(folder, "tracking.db") }, TimeProvider.System);
            var series = (await store.GetHistoryAsync(new MetricQuery { RunId = "bench", Name = "loss" })).Single();
            var rate = Points / measured.GetProperty("seconds").GetDouble();
            var lost = Points - series.Total;
            var call = measured.GetProperty("callNs").GetDouble();
            return
            [
                new("metric points logged from one stage, durable", rate, "points/s", "MLflow 3.18 server on SQLite: 62/s one by one (2026-11-22)", rate / 62, ">= 100,000/s", rate >= 100_000),
                new("metric points lost at SIGKILL of silo and worker after a flush", lost, "points", "-", null, "0", lost == 0),
                new("Track.Metric, a call", call, "ns", "-", null, "< 1,000 ns", call < 1000),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The process that is killed: executor and store, as in a silo.</summary>
    public static async Task<int> ServeAsync(string folder)
    {
        using var objects = ObjectStore.Open(new ObjectStoreOptions { Directory = Path.Combine(folder, "objects"), CapacityBytes = 64 << 20 });
        var content = new ContentStore(Path.Combine(folder, "content"));
        using var store = new SqliteTrackingStore(new SqliteTrackingOptions { Path = Path.Combine(folder, "tracking.db") }, TimeProvider.System);
        await using var executor = new WorkerStageExecutor(objects, content, new WorkerPoolOptions { Slots = 1 }, tracking: store);
        var staged = content.Stage();
        var assembly = typeof(MetricPointsCase).Assembly.Location;
        File.Copy(assembly, Path.Combine(staged, Path.GetFileName(assembly)));
        var call = new CodeCallOptions
        {
            Type = typeof(MetricPointsCase).FullName!,
            Method = nameof(Log),
            Arguments = System.Collections.Immutable.ImmutableDictionary<string, JsonElement>.Empty.Add("folder", JsonSerializer.SerializeToElement(folder)),
        };
        await executor.ExecuteAsync(new StageRequest
        {
            RunId = "bench",
            Stage = "log",
            Attempt = 1,
            Epoch = 1,
            Operation = StageOperations.Code,
            Options = JsonSerializer.Serialize(call, StageJson.Options),
            Code = new CodeRef(content.Commit(staged).Digest, Path.GetFileName(assembly)),
        }, null, default);
        return 1;
    }

    /// <summary>The stage.</summary>
    public static async Task Log(string folder)
    {
        // The first calls are compiled as they run.
        for (var i = 0; i < 20_000; i++)
        {
            Track.Metric("warm", i);
        }

        await Track.FlushAsync();

        // What a call costs by itself: fewer than fill a frame, so that the store's speed is not in it; the best of many rounds, as others' work is not either.
        const int few = 2_000;
        var callNs = double.MaxValue;
        for (var round = 0; round < 50; round++)
        {
            var begun = Stopwatch.GetTimestamp();
            for (var i = 0; i < few; i++)
            {
                Track.Metric("warm", i);
            }

            callNs = Math.Min(callNs, Stopwatch.GetElapsedTime(begun).TotalNanoseconds / few);
            await Track.FlushAsync();
        }

        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Points; i++)
        {
            Track.Metric("loss", i);
        }

        await Track.FlushAsync();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var part = Path.Combine(folder, "answer.part");
        await File.WriteAllTextAsync(part, string.Create(CultureInfo.InvariantCulture, $$"""{"seconds":{{seconds}},"callNs":{{callNs}}}"""));
        File.Move(part, Path.Combine(folder, "answer.json"));
        await Task.Delay(Timeout.Infinite);
    }
}
