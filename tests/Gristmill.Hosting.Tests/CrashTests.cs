using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Gristmill.Hosting;

/// <summary>SIGKILL at every stage: the run goes on where it was, and what was seen committed is neither made again nor changed.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task A_run_outlives_its_silo_at_every_stage()
    {
        // Each attempt is a line of the log: a second witness beside the counter the stage keeps itself.
        await using var silo = await SiloProcess.StartAsync("--Logging:LogLevel:Gristmill.Grains.Runs=Debug");
        var pipeline = Trips.Pipeline(Trips.WriteCsv(silo.Folder));
        await silo.RegisterAsync(pipeline);
        var versions = 0;
        foreach (var stage in pipeline.Spec.Stages)
        {
            var id = await silo.StartRunAsync(pipeline.Name, new RunRequest { NoCache = true });

            // What a watcher was told before the silo died, by the stage's name.
            var committed = new Dictionary<string, StageView>();
            await silo.FollowAsync(id, change =>
            {
                StageView[] seen = [.. change.Run?.Stages ?? [], .. change.Stage is { } changed ? [changed] : Array.Empty<StageView>()];
                foreach (var view in seen.Where(view => view.Status == StageStatus.Succeeded))
                {
                    committed[view.Name] = view;
                }

                return seen.Any(view => view.Name == stage.Name && view.Status != StageStatus.Pending);
            });
            await silo.KillAsync();
            Assert.Superset(StageDependencies.Of(stage).All.ToHashSet(), committed.Keys.ToHashSet());

            await silo.StartAsync();
            var run = await silo.FinishAsync(id);

            Assert.True(run.Status == RunStatus.Succeeded, $"Killed at '{stage.Name}': {run.Status} {run.Error?.Code} {run.Error?.Message}\n{silo.Log}");
            foreach (var view in run.Stages)
            {
                var attempts = silo.Log.Split($"{id}/{view.Name}: attempt ").Length - 1;
                if (committed.TryGetValue(view.Name, out var before))
                {
                    // Status, attempts, outputs with their ids, what it cost and when it was: all as it was told.
                    Assert.Equal(Text(before), Text(view));
                    Assert.Equal((1, 1), (view.Attempts, attempts));
                }
                else
                {
                    // At most the attempt that died with the silo, and the one after it; "was lost" is a line, too.
                    Assert.InRange(view.Attempts, 1, 2);
                    Assert.InRange(attempts, 1, 3);
                }
            }

            versions++;
            using var response = await silo.Http.GetAsync(new Uri("/api/v1/models/late-trip", UriKind.Relative), TestContext.Current.CancellationToken);
            var model = await SiloProcess.ReadAsync<ModelView>(response);
            Assert.Equal(versions, model.Versions.Length);
        }
    }

    [Fact]
    public async Task A_killed_worker_costs_an_attempt_and_not_the_run()
    {
        await using var silo = await SiloProcess.StartAsync();
        var pipeline = Trips.Pipeline(Trips.WriteCsv(silo.Folder));
        await silo.RegisterAsync(pipeline);
        var id = await silo.StartRunAsync(pipeline.Name, new RunRequest { NoCache = true });
        await silo.FollowAsync(id, change => change.Stage is { Operation: StageOperations.TrainLightGbm, Status: StageStatus.Running });
        foreach (var worker in Workers(silo.Id))
        {
            worker.Kill();
        }

        var run = await silo.FinishAsync(id);
        Assert.True(run.Status == RunStatus.Succeeded, $"{run.Error?.Code} {run.Error?.Message}");
    }

    // Which stages it waits for and its progress are the run's to tell, and come with some events only.
    private static string Text(StageView view) => JsonSerializer.Serialize(view with { DependsOn = [], Progress = null }, GristmillJson.Options);

    private static IEnumerable<Process> Workers(int silo)
    {
        foreach (var process in Process.GetProcesses())
        {
            string stat;
            try
            {
                stat = File.ReadAllText($"/proc/{process.Id}/stat");
            }
            catch (IOException)
            {
                continue;
            }

            if (int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture) == silo)
            {
                yield return process;
            }
        }
    }
}
