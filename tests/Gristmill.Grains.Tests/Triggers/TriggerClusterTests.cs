using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Triggers;

public sealed class TriggerClusterTests
{
    [Fact]
    public async Task Each_second_fires_once_in_the_cluster_though_a_silo_of_it_is_killed()
    {
        await using var cluster = await TestCluster.StartAsync(silos: 2);
        var pipeline = Pipeline(Stage("a"));
        await cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).RegisterAsync(pipeline);
        string[] names = [.. Enumerable.Range(0, 6).Select(i => $"every-second-{i}")];
        foreach (var name in names)
        {
            await cluster.Client.GetGrain<ITriggerGrain>(name).PutAsync(
                new TriggerSpec { Name = name, Pipeline = pipeline.Name, Cron = new CronSchedule("* * * * * *"), CatchUp = CatchUpPolicy.All, CatchUpLimit = 20 }, onlyNew: true);
        }

        await FiredAsync(2);
        await cluster.Cluster.KillSiloAsync(cluster.Cluster.Silos[1]);
        await FiredAsync(6);

        var runs = new List<string>();
        foreach (var name in names)
        {
            await TestCluster.UntilAsync(async () => (await cluster.Client.GetGrain<ITriggerGrain>(name).PauseAsync()).Queued == 0);
            var firings = (await cluster.Client.GetGrain<ITriggerGrain>(name).ListFiringsAsync(200, 0)).Where(firing => firing.Outcome == FiringOutcome.Started).ToList();
            Assert.Equal(firings.Count, firings.Select(firing => firing.Scheduled).Distinct().Count());
            runs.AddRange(firings.Select(firing => firing.Run!));
        }

        // A run for each firing, a firing for each run.
        var listed = (await cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).ListRunsAsync(1000, null)).Select(run => run.Id).ToList();
        Assert.Equal(runs.OrderDescending().Take(150), listed.OrderDescending().Take(150));

        Task FiredAsync(long times) => TestCluster.UntilAsync(async () =>
        {
            var views = await Task.WhenAll(names.Select(name => cluster.Client.GetGrain<ITriggerGrain>(name).GetAsync()));
            return views.All(view => view!.Firings >= times);
        });
    }
}
