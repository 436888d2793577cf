using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

/// <summary>Tables that are gone when a stage wants to read them are made again, by the run itself.</summary>
public sealed class LossTests : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster;

    public LossTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        Reset();
    }

    private ScriptedExecutor Executor => _cluster.Executor;

    [Theory, InlineData(ErrorCodes.ObjectNotFound), InlineData(ErrorCodes.ObjectUnreachable), InlineData(ErrorCodes.Corrupt)]
    public async Task What_is_lost_is_made_again_with_what_it_is_made_of_and_nothing_else(string code)
    {
        LoseWhen("d", attempts: 1, code, "a", "b");
        var run = await EndAsync(Query("a"), Query("b", "a"), Query("c", "a"), Query("d", "b"), Stage("exit") with { OnExit = true });

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Null(run.Error);
        Assert.Equal((2, 2, 1, 2, 1), (Count("a"), Count("b"), Count("c"), Count("d"), Count("exit")));
        Assert.Equal(run.Of("b").Outputs["out"].Dataset, Executor.Attempts.Last(static attempt => attempt.Stage == "d").Inputs["b"].Dataset);
        Assert.Equal(1, run.Retries);
    }

    [Fact]
    public async Task It_is_made_again_at_each_loss_and_once_for_each()
    {
        LoseWhen("b", attempts: 2, ErrorCodes.ObjectNotFound, "a");
        var twice = await EndAsync(Query("a"), Query("b", "a"));
        Assert.Equal((RunStatus.Succeeded, 3, 3), (twice.Status, Count("a"), Count("b")));

        // The table is there, but the stage says again and again that it is not: it is believed once.
        Reset();
        Executor.On("b", static request => throw Lost(ErrorCodes.ObjectNotFound, request.Inputs["a"]));
        var never = await EndAsync(Query("a"), Query("b", "a"));
        Assert.Equal((RunStatus.Failed, ErrorCodes.ObjectNotFound, 1, 2), (never.Status, never.Error!.Code, Count("a"), Count("b")));
    }

    [Fact]
    public async Task A_stage_that_loses_a_table_at_every_attempt_fails_in_the_end()
    {
        LoseWhen("b", attempts: int.MaxValue, ErrorCodes.ObjectNotFound, "a");
        var run = await EndAsync(Query("a"), Query("b", "a"));
        Assert.Equal((RunStatus.Failed, ErrorCodes.ObjectNotFound), (run.Status, run.Error!.Code));
        Assert.InRange(Count("b"), 10, 40);
    }

    [Fact]
    public async Task A_stage_that_may_give_another_result_is_not_executed_again_and_the_error_says_why()
    {
        LoseWhen("c", attempts: 1, ErrorCodes.ObjectNotFound, "a", "b");
        _cluster.Fingerprints.Doubts["a"] = "its query calls random()";
        var run = await EndAsync(Query("a"), Query("b", "a"), Query("c", "b"));
        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal(ErrorCodes.ObjectNotFound, run.Error!.Code);
        Assert.Contains("stage 'a' is not executed again by itself: its query calls random()", run.Error.Message, StringComparison.Ordinal);
        Assert.Contains($"mill retry {run.Id}", run.Error.Hint, StringComparison.Ordinal);
        Assert.Equal((1, 1, 1), (Count("a"), Count("b"), Count("c")));

        // Somebody who knows may.
        await _cluster.Client.GetGrain<IRunGrain>(run.Id).RetryAsync();
        Assert.Equal(RunStatus.Succeeded, (await _cluster.EndOfAsync(run.Id)).Status);
        Assert.Equal(2, Count("a"));
    }

    [Fact]
    public async Task What_has_said_that_it_may_be_taken_over_may_be_made_again_and_what_has_its_cache_off_may_not()
    {
        foreach (var (policy, status) in new[] { (CachePolicy.On, RunStatus.Succeeded), (CachePolicy.Off, RunStatus.Failed) })
        {
            Reset();
            LoseWhen("b", attempts: 1, ErrorCodes.ObjectNotFound, "a");
            _cluster.Fingerprints.Doubts["a"] = "its query calls random()";
            Assert.Equal(status, (await EndAsync(Query("a") with { Cache = new CacheSpec { Policy = policy } }, Query("b", "a"))).Status);
        }
    }

    [Fact]
    public async Task Errors_about_other_tables_are_errors()
    {
        Executor.On("b", static _ => throw new GristmillException(ErrorCodes.ObjectNotFound, "no such table").With("object", Guid.NewGuid().ToString("N")));
        var run = await EndAsync(Query("a"), Query("b", "a"));
        Assert.Equal((RunStatus.Failed, 1, 1), (run.Status, Count("a"), Count("b")));
        Assert.Equal("no such table", run.Error!.Message);
    }

    [Fact]
    public async Task A_run_that_makes_something_again_outlives_its_silo()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Executor.On("b", request =>
        {
            if (request.Attempt == 1)
            {
                cluster.Fingerprints.Lost[request.Inputs["a"].Dataset!.Id] = true;
                throw Lost(ErrorCodes.ObjectNotFound, request.Inputs["a"]);
            }

            return Done();
        });
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var free = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Executor.On("a", async (request, _, cancellation) =>
        {
            if (request.Attempt == 2)
            {
                started.TrySetResult();
                await free.Task.WaitAsync(cancellation);
            }

            return Done();
        });
        var id = await cluster.RunAsync(Pipeline(Query("a"), Query("b", "a")));
        await started.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await cluster.RestartAsync();
        free.SetResult();
        var run = await cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal((3, 2), (run.Of("a").Attempts, run.Of("b").Attempts));
        Assert.Equal(1, run.Retries);
    }

    /// <summary>A stage of which it is known what its result depends on; no other has the same.</summary>
    private static StageSpec Query(string name, params string[] inputs) => Stage(name, inputs) with
    {
        Operation = StageOperations.SqlQuery,
        Options = GristmillJson.Serialize(new { sql = $"select '{Guid.NewGuid()}'" }),
    };

    private static GristmillException Lost(string code, Artifact table) => new GristmillException(code, "It is gone.").With("object", table.Dataset!.Id);

    private void Reset()
    {
        _cluster.Fingerprints.Doubts.Clear();
        _cluster.Executor.Reset();
    }

    private int Count(string stage) => _cluster.Executor.Count(stage);

    private async Task<RunView> EndAsync(params StageSpec[] stages) => await _cluster.EndOfAsync(await _cluster.RunAsync(Pipeline(stages)));

    /// <summary>At its first attempts, a stage finds that the newest tables of some stages are gone.</summary>
    private void LoseWhen(string stage, int attempts, string code, params string[] gone)
    {
        var made = new System.Collections.Concurrent.ConcurrentDictionary<string, Artifact>();
        foreach (var from in gone)
        {
            Executor.On(from, _ =>
            {
                var result = Done();
                made[from] = result.Outputs["out"];
                return result;
            });
        }

        Executor.On(stage, request =>
        {
            if (request.Attempt > attempts)
            {
                return Done();
            }

            foreach (var table in made.Values)
            {
                _cluster.Fingerprints.Lost[table.Dataset!.Id] = true;
            }

            throw Lost(code, request.Inputs.Values.First());
        });
    }
}
