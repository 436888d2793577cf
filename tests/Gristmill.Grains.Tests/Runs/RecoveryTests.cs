using Gristmill.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

public sealed class RecoveryTests
{
    [Fact]
    public async Task A_run_goes_on_after_its_only_silo_was_killed_and_repeats_nothing_committed()
    {
        await using var cluster = await TestCluster.StartAsync();
        var gate = cluster.Executor.Hold("b");
        var id = await cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a"), Stage("c", "b")));
        await gate.Started.Task;
        gate.Released.TrySetResult();
        cluster.Executor.On("b", static request => Done(("attempt", request.Attempt)));
        var held = cluster.Executor.Hold("c");
        await held.Started.Task;

        await cluster.Cluster.KillSiloAsync(cluster.Cluster.Silos[0]);
        cluster.Executor.On("c", static request => Done(("attempt", request.Attempt)));
        await cluster.Cluster.StartAdditionalSiloAsync();
        var run = await cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(1, cluster.Executor.Count("a"));
        Assert.Equal(1, cluster.Executor.Count("b"));
        Assert.Equal(2, cluster.Executor.Count("c"));
        Assert.Equal(2, run.Of("c").Attempts);
        Assert.Equal(2, run.Of("c").Outputs["metrics"].Metrics!["attempt"]);
    }

    [Fact]
    public async Task A_pause_and_a_retry_outlive_their_silo()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Executor.On("b", static _ => throw new GristmillException(ErrorCodes.StageFailed, "not yet"));
        var id = await cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a"), Stage("c", "b")));
        Assert.Equal(RunStatus.Failed, (await cluster.EndOfAsync(id)).Status);
        var held = cluster.Executor.Hold("b");
        await cluster.Client.GetGrain<IRunGrain>(id).RetryAsync();
        await held.Started.Task;
        await cluster.Client.GetGrain<IRunGrain>(id).PauseAsync();

        await cluster.Cluster.KillSiloAsync(cluster.Cluster.Silos[0]);
        cluster.Executor.On("b", static request => Done(("attempt", request.Attempt)));
        await cluster.Cluster.StartAdditionalSiloAsync();
        RunView? run = null;
        await TestCluster.UntilAsync(async () =>
        {
            try
            {
                run = await cluster.Client.GetGrain<IRunGrain>(id).GetAsync();
                return run!.Of("b").Status == StageStatus.Succeeded;
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                return false;
            }
        });
        Assert.Equal((true, 1, StageStatus.Pending), (run!.Paused, run.Retries, run.Of("c").Status));

        await cluster.Client.GetGrain<IRunGrain>(id).ContinueAsync();
        Assert.Equal(RunStatus.Succeeded, (await cluster.EndOfAsync(id)).Status);
        Assert.Equal((1, 3, 1), (cluster.Executor.Count("a"), cluster.Executor.Count("b"), cluster.Executor.Count("c")));
    }

    [Fact]
    public async Task Runs_go_on_on_the_other_silo_when_one_is_killed()
    {
        await using var cluster = await TestCluster.StartAsync(silos: 2);
        var release = new TaskCompletionSource();
        var started = new CountdownEvent(24);
        string[] stages = [.. Enumerable.Range(0, 24).Select(static i => $"s{i}")];
        foreach (var stage in stages)
        {
            cluster.Executor.On(stage, async (request, _, cancellation) =>
            {
                if (request.Attempt == 1)
                {
                    started.Signal();
                    await release.Task.WaitAsync(cancellation);
                }

                return Done(("attempt", request.Attempt));
            });
        }

        var spec = Pipeline([Stage("first"), .. stages.Select(static name => Stage(name, "first")), Stage("last", stages)]);
        var id = await cluster.RunAsync(spec);
        await Task.Run(() => started.Wait(TimeSpan.FromSeconds(30)));

        await cluster.Cluster.KillSiloAsync(cluster.Cluster.Silos[1]);
        // Attempts of the silo that lives may finish; those of the dead one are fenced off, whatever they still bring.
        release.SetResult();
        var run = await cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(1, cluster.Executor.Count("first"));
        Assert.Equal(1, cluster.Executor.Count("last"));
        Assert.All(stages, stage =>
        {
            // What was committed is the attempt that the stage says it was.
            Assert.Equal(run.Of(stage).Attempts, run.Of(stage).Outputs["metrics"].Metrics!["attempt"]);
            Assert.InRange(cluster.Executor.Count(stage), 1, 2);
        });
    }

    [Fact]
    public async Task A_late_commit_of_an_older_epoch_is_refused()
    {
        await using var cluster = await TestCluster.StartAsync();
        var gate = cluster.Executor.Hold("a");
        var id = await cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await gate.Started.Task;

        // What a second activation of the stage would do while the first one still executes: take the next epoch.
        var services = cluster.Cluster.Silos[0].ServiceProvider;
        var storage = services.GetRequiredKeyedService<IGrainStorage>("gristmill");
        var grain = cluster.Client.GetGrain<IStageGrain>($"{id}/a");
        var state = new GrainState<StageState>();
        await storage.ReadStateAsync("stage", grain.GetGrainId(), state);
        Assert.Equal(1, state.State!.Epoch);
        state.State = state.State with { Epoch = 2, Attempt = 2 };
        await storage.WriteStateAsync("stage", grain.GetGrainId(), state);

        cluster.Executor.On("a", static request => Done(("epoch", request.Epoch)));
        gate.Released.SetResult();
        await cluster.Cluster.WaitForDeactivationAsync(grain);
        // Nobody may have asked for it since; the silo's own search for unfinished runs may have, if it came late.
        await services.GetRequiredService<IGrainFactory>().GetGrain<IRunControlGrain>(id).ResumeAsync();
        var run = await cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(3, run.Of("a").Outputs["metrics"].Metrics!["epoch"]);
        // The late one was refused: the store has taken one in, and what follows was executed once.
        Assert.Equal(1, cluster.Commits[$"{id}/a"]);
        Assert.Equal(1, cluster.Executor.Count("b"));
    }

    [Fact]
    public async Task A_silo_that_stops_in_good_order_costs_a_stage_no_attempt()
    {
        await using var cluster = await TestCluster.StartAsync();
        var gate = cluster.Executor.Hold("a");
        var stage = Stage("a") with { Retry = new RetryPolicy { MaxAttempts = 1 } };
        var id = await cluster.RunAsync(Pipeline(stage));
        await gate.Started.Task;

        await cluster.Cluster.StopSiloAsync(cluster.Cluster.Silos[0]);
        cluster.Executor.On("a", static _ => Done());
        await cluster.Cluster.StartAdditionalSiloAsync();
        var run = await cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(2, run.Of("a").Attempts);
    }

    [Fact]
    public async Task A_cancelled_run_stays_cancelled_when_its_silo_is_killed()
    {
        await using var cluster = await TestCluster.StartAsync();
        var started = new TaskCompletionSource();
        cluster.Executor.On("a", async (_, _, _) =>
        {
            started.TrySetResult();
            await Task.Delay(Timeout.Infinite, CancellationToken.None);
            return Done();
        });
        var id = await cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await started.Task;
        await cluster.Client.GetGrain<IRunGrain>(id).CancelAsync();

        await cluster.Cluster.KillSiloAsync(cluster.Cluster.Silos[0]);
        await cluster.Cluster.StartAdditionalSiloAsync();
        var run = await cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Cancelled, run.Status);
        Assert.Equal(0, cluster.Executor.Count("b"));
    }

    [Fact]
    public async Task A_full_store_is_a_clear_error_and_leaves_nothing_half_done()
    {
        await using var cluster = await TestCluster.StartAsync(maxBytes: 512 << 10);
        var large = Pipeline(Stage("a")) with { Description = new string('x', 1 << 20) };
        var pipeline = cluster.Client.GetGrain<IPipelineGrain>(large.Name);

        var error = await Assert.ThrowsAsync<GristmillException>(() => pipeline.RegisterAsync(large));

        Assert.Equal(ErrorCodes.StoreFull, error.Code);
        Assert.Null(await pipeline.GetAsync());
        Assert.DoesNotContain(large.Name, await cluster.Client.GetGrain<ICatalogGrain>("pipelines").ListAsync());

        // A stage whose outputs do not fit fails for that reason; the silo and other runs go on.
        cluster.Executor.On("a", static _ => Done([.. Enumerable.Range(0, 100_000).Select(static i => ($"metric-{i}", (double)i))]));
        var run = await cluster.EndOfAsync(await cluster.RunAsync(Pipeline(Stage("a"))));
        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal(ErrorCodes.StoreFull, run.Error!.Code);
        cluster.Executor.On("a", static _ => Done());
        Assert.Equal(RunStatus.Succeeded, (await cluster.EndOfAsync(await cluster.RunAsync(Pipeline(Stage("a"))))).Status);
    }
}
