using System.Diagnostics;
using System.Globalization;

namespace Gristmill.Hosting;

/// <summary>SIGKILL at every stage: the run goes on where it was, and each stage commits once.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task A_run_outlives_its_silo_at_every_stage()
    {
        await using var silo = await SiloProcess.StartAsync();
        var pipeline = Trips.Pipeline(Trips.WriteCsv(silo.Folder));
        await silo.RegisterAsync(pipeline);
        var versions = 0;
        foreach (var stage in pipeline.Spec.Stages)
        {
            var id = await silo.StartRunAsync(pipeline.Name);
            await silo.FollowAsync(id, change =>
                change.Stage?.Name == stage.Name || change.Run?.Stages.Any(s => s.Name == stage.Name && s.Status != StageStatus.Pending) == true);
            await silo.KillAsync();
            var committed = new HashSet<string>();
            await silo.StartAsync();
            var atRestart = await silo.GetRunAsync(id);
            committed.UnionWith(atRestart.Stages.Where(s => s.Status == StageStatus.Succeeded && s.Attempts == 1).Select(s => s.Name));
            var run = await silo.FinishAsync(id);
            Assert.True(run.Status == RunStatus.Succeeded, $"Killed at '{stage.Name}': {run.Status} {run.Error?.Code} {run.Error?.Message}\n{silo.Log}");
            Assert.All(run.Stages.Where(s => committed.Contains(s.Name)), s => Assert.Equal(1, s.Attempts));
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
        var id = await silo.StartRunAsync(pipeline.Name);
        await silo.FollowAsync(id, change => change.Stage is { Operation: StageOperations.TrainLightGbm, Status: StageStatus.Running });
        foreach (var worker in Workers(silo.Id))
        {
            worker.Kill();
        }

        var run = await silo.FinishAsync(id);
        Assert.True(run.Status == RunStatus.Succeeded, $"{run.Error?.Code} {run.Error?.Message}");
    }

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
