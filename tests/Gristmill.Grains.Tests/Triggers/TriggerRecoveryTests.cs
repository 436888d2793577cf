using Gristmill.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Triggers;

public sealed class TriggerRecoveryTests
{
    [Fact]
    public async Task A_firing_that_was_stored_when_its_silo_died_starts_one_run_on_the_next()
    {
        await using var cluster = await TestCluster.StartAsync();
        var pipeline = Pipeline(Stage("a"));
        await cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).RegisterAsync(pipeline);
        var spec = new TriggerSpec { Name = "t", Pipeline = pipeline.Name, Interval = new IntervalSchedule(TimeSpan.FromHours(1)) };
        var trigger = cluster.Client.GetGrain<ITriggerGrain>("t");
        await trigger.PutAsync(spec, onlyNew: true);
        var before = await trigger.FireAsync(new TriggerFireRequest { IdempotencyKey = "before" });
        await cluster.EndOfAsync(before.Run!);

        // As a silo leaves it that dies after the firing was stored: once before its run was started, once after.
        await RewriteAsync(cluster, trigger, state => state with
        {
            Firings = 2,
            Recent =
            [
                state.Recent[0] with { Outcome = FiringOutcome.Waiting, Run = null },
                new TriggerFiring { Number = 2, Id = "time:x", Scheduled = DateTimeOffset.UtcNow, Fired = DateTimeOffset.UtcNow, Outcome = FiringOutcome.Waiting },
            ],
        });
        await cluster.RestartAsync();
        await TestCluster.UntilAsync(async () =>
        {
            await cluster.Client.GetGrain<ITriggerControlGrain>("t").WakeAsync();
            return (await trigger.ListFiringsAsync(10, 0)).All(firing => firing.Outcome == FiringOutcome.Started);
        });

        var firings = await trigger.ListFiringsAsync(10, 0);
        Assert.Equal(before.Run, firings[1].Run);
        Assert.NotEqual(before.Run, firings[0].Run);
        await cluster.EndOfAsync(firings[0].Run!);
        Assert.Equal(2, (await cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).ListRunsAsync(10, null)).Count);
    }

    [Fact]
    public async Task A_time_that_passed_while_no_silo_lived_is_made_up_for_without_anybody_calling()
    {
        await using var cluster = await TestCluster.StartAsync();
        var pipeline = Pipeline(Stage("a"));
        await cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).RegisterAsync(pipeline);
        var trigger = cluster.Client.GetGrain<ITriggerGrain>("t");
        await trigger.PutAsync(new TriggerSpec { Name = "t", Pipeline = pipeline.Name, Interval = new IntervalSchedule(TimeSpan.FromHours(1)) }, onlyNew: true);

        // As a silo leaves it that died 3.5 hours ago. The clock cannot be put forward instead: Orleans numbers silos by the
        // system's, and takes one that starts hours before what its membership shows for one that is long gone.
        var away = TimeSpan.FromHours(3.5);
        await RewriteAsync(cluster, trigger, state => state with { Created = state.Created - away, Watermark = state.Watermark - away });
        var table = cluster.Cluster.Silos[0].ServiceProvider.GetRequiredService<IReminderTable>();
        var reminder = (await table.ReadRow(trigger.GetGrainId(), TriggerGrain.ReminderName))!;
        reminder.StartAt -= away;
        await table.UpsertRow(reminder);
        await cluster.Cluster.KillSiloAsync(cluster.Cluster.Silos[0]);
        await cluster.Cluster.StartAdditionalSiloAsync();

        // The list of runs is asked, not the trigger: nothing here wakes it.
        var runs = cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name);
        await TestCluster.UntilAsync(async () => (await runs.ListRunsAsync(10, null)).Count == 1);
        Assert.Contains("2 times", Assert.Single(await trigger.ListFiringsAsync(10, 0)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replayed_message_is_refused_after_a_restart_too()
    {
        await using var cluster = await TestCluster.StartAsync();
        var pipeline = Pipeline(Stage("a"));
        await cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).RegisterAsync(pipeline);
        var trigger = cluster.Client.GetGrain<ITriggerGrain>("hook");
        await trigger.PutAsync(new TriggerSpec { Name = "hook", Pipeline = pipeline.Name, Webhook = new WebhookSource { Secret = "s" } }, onlyNew: true);
        for (var i = 0; i < 100; i++)
        {
            await trigger.DeliverAsync(Message(i));
        }

        await cluster.RestartAsync();

        // The first is in the history, the last in the trigger's own state.
        foreach (var i in (int[])[0, 40, 99])
        {
            Assert.Equal(ErrorCodes.WebhookReplayed, (await Assert.ThrowsAsync<GristmillException>(() => trigger.DeliverAsync(Message(i)))).Code);
        }

        Assert.Equal(FiringOutcome.Started, (await trigger.DeliverAsync(Message(100))).Outcome);

        static WebhookDelivery Message(int i) => new($"m{i}", DateTimeOffset.UtcNow, System.Collections.Immutable.ImmutableDictionary<string, string>.Empty);
    }

    [Fact]
    public async Task The_end_of_a_run_is_told_though_the_silo_died_before_it_was()
    {
        await using var cluster = await TestCluster.StartAsync();
        var (upstream, pipeline) = (Pipeline(Stage("up")), Pipeline(Stage("a")));
        await cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).RegisterAsync(pipeline);
        var id = await cluster.RunAsync(upstream);
        await cluster.EndOfAsync(id);
        var trigger = cluster.Client.GetGrain<ITriggerGrain>("after");
        await trigger.PutAsync(new TriggerSpec { Name = "after", Pipeline = pipeline.Name, After = new RunCompletion(upstream.Name) }, onlyNew: true);

        // As a silo leaves it that dies between storing the end and telling of it: the run's reminder is still there.
        var run = cluster.Client.GetGrain<IRunGrain>(id);
        var table = cluster.Cluster.Silos[0].ServiceProvider.GetRequiredService<IReminderTable>();
        await table.UpsertRow(new ReminderEntry
        {
            GrainId = run.GetGrainId(),
            ReminderName = Runs.RunGrain.ReminderName,
            StartAt = DateTime.UtcNow,
            Period = TimeSpan.FromMinutes(1),
        });
        await cluster.RestartAsync();

        await TestCluster.UntilAsync(async () => (await trigger.GetAsync())!.Firings == 1);
        Assert.Equal($"run:{id}", Assert.Single(await trigger.ListFiringsAsync(10, 0)).Id);
    }

    private static async Task RewriteAsync(TestCluster cluster, ITriggerGrain trigger, Func<TriggerState, TriggerState> change)
    {
        var storage = cluster.Cluster.Silos[0].ServiceProvider.GetRequiredKeyedService<IGrainStorage>("gristmill");
        var stored = new GrainState<TriggerState>();
        await storage.ReadStateAsync("trigger", trigger.GetGrainId(), stored);
        stored.State = change(stored.State!);
        await storage.WriteStateAsync("trigger", trigger.GetGrainId(), stored);
    }
}
