using System.Collections.Concurrent;
using System.Collections.Immutable;
using Gristmill.Engines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Testing;

public sealed class TestClusterTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync(new TestClusterOptions { Patience = TimeSpan.FromMinutes(2) });
        _cluster.Substitute("raw", Parcels.Rows);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Small_data_take_the_place_of_large_and_results_are_rows()
    {
        var run = (await _cluster.RunAsync(Parcels.Pipeline, ("factor", 0.5))).EnsureSucceeded();

        Assert.Equal(1.5, run["train"].Metrics["score"]);
        Assert.Equal(3, run["publish"].Value);
        var rows = run["far"].Rows();
        Assert.Equal([20, 120, 300], rows.Select(row => row.Get<int>("distance")));
        Assert.Equal("Hare", rows[0]["carrier"]);
        Assert.Null(rows[1]["carrier"]);
        Assert.Equal([false, true, true], rows.Select(row => row.Get<bool>("far")));
        Assert.Equal(new Parcel(null, 120), run["far"].Rows<Parcel>()[1]);
    }

    [Fact]
    public async Task A_condition_that_does_not_hold_skips()
    {
        var run = (await _cluster.RunAsync(Parcels.Pipeline, ("factor", 0.1))).EnsureSucceeded();

        Assert.Equal(StageStatus.Skipped, run["publish"].Status);
        Assert.DoesNotContain(_cluster.Attempts, attempt => attempt.Stage == "publish");
    }

    [Fact]
    public async Task A_stage_is_replaced_by_name_with_a_delegate_that_may_capture()
    {
        var seen = new List<long>();
        _cluster.Replace("train", (Dataset far) =>
        {
            seen.Add(far.Rows);
            return ImmutableDictionary<string, double>.Empty.Add("score", 0.7);
        });

        var run = (await _cluster.RunAsync(Parcels.Pipeline)).EnsureSucceeded();

        Assert.Equal([3], seen);
        Assert.Equal(0.7, run["train"].Metrics["score"]);
        Assert.True(_cluster.Attempts.Single(attempt => attempt.Stage == "train").Doubled);
        Assert.False(_cluster.Attempts.Single(attempt => attempt.Stage == "publish").Doubled);
    }

    [Fact]
    public async Task A_stage_is_replaced_by_its_method()
    {
        _cluster.Replace(Parcels.Train, async (StageContext stage, double factor) =>
        {
            await Task.Yield();
            return new { Score = factor * stage.Rows("far").Count(row => row.Get<bool>("far")) };
        });

        var run = (await _cluster.RunAsync(Parcels.Pipeline, ("factor", 10))).EnsureSucceeded();

        Assert.Equal(20, run["train"].Metrics["score"]);
    }

    [Fact]
    public async Task A_built_in_stage_is_replaced_by_a_table_of_rows()
    {
        _cluster.Replace("far", (StageContext stage, string query) =>
            stage.Table(stage.Rows<Parcel>("raw").Where(parcel => query.Contains("order by", StringComparison.Ordinal) && parcel.Distance > 250)));

        var run = (await _cluster.RunAsync(Parcels.Pipeline)).EnsureSucceeded();

        Assert.Equal(new Parcel("Snail", 300), Assert.Single(run["far"].Rows<Parcel>()));
    }

    [Fact]
    public async Task Back_off_takes_no_real_time_and_all_of_the_clock_s()
    {
        var before = _cluster.Time.GetUtcNow();
        _cluster.FailOn("train", attempts: 2);

        var run = (await _cluster.RunAsync(Parcels.Pipeline)).EnsureSucceeded();

        Assert.Equal(3, run["train"].Attempts);
        // One minute, then two.
        Assert.InRange(_cluster.Time.GetUtcNow() - before, TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(3.1));
        Assert.Equal([1, 2, 3], _cluster.Attempts.Where(attempt => attempt.Stage == "train").Select(attempt => attempt.Number));
    }

    [Fact]
    public async Task Without_skipping_the_test_moves_the_clock()
    {
        await using var still = await TestCluster.StartAsync(new TestClusterOptions { SkipTime = false });
        still.Substitute("raw", Parcels.Rows).FailOn("train", attempts: 1);
        var started = await still.StartRunAsync(Parcels.Pipeline);
        var ended = started.WaitAsync();

        // The back-off's timer is set before the run tells that it waits.
        await foreach (var change in still.Grains.GetGrain<IRunGrain>(started.Id).WatchAsync(TestContext.Current.CancellationToken).WithCancellation(TestContext.Current.CancellationToken))
        {
            if (change.Stage is { Name: "train", Error: not null } || change.Run?.Stages.Any(stage => stage is { Name: "train", Error: not null }) == true)
            {
                break;
            }
        }

        still.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Single(still.Attempts, attempt => attempt.Stage == "train");
        Assert.Equal(RunStatus.Running, (await started.GetAsync()).Status);
        still.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(2, (await ended).EnsureSucceeded()["train"].Attempts);
    }

    [Fact]
    public async Task The_last_attempt_s_error_is_the_run_s()
    {
        _cluster.FailOn("train", error: new FormatException("no such number"));

        var run = await _cluster.RunAsync(Parcels.Pipeline);

        Assert.Equal((RunStatus.Failed, ErrorCodes.StageFailed), (run.Status, run.Error!.Code));
        Assert.Equal(3, run["train"].Attempts);
        Assert.Contains("no such number", run["train"].Error!.Message, StringComparison.Ordinal);
        var thrown = Assert.Throws<GristmillException>(run.EnsureSucceeded);
        Assert.Contains("train: Failed, attempts 3", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dead_worker_is_retried_though_errors_are_not()
    {
        _cluster.CrashOn("far", attempts: 2);
        Assert.Equal(3, (await _cluster.RunAsync(Parcels.Pipeline)).EnsureSucceeded()["far"].Attempts);

        _cluster.Reset();
        _cluster.Substitute("raw", Parcels.Rows).FailOn("far", attempts: 1);
        Assert.Equal(RunStatus.Failed, (await _cluster.RunAsync(Parcels.Pipeline)).Status);
    }

    [Theory]
    [InlineData("*/1 * * * *", 1)]
    [InlineData("0 * * * *", 60)]
    [InlineData("0 3 * * *", 24 * 60)]
    public async Task A_trigger_fires_when_the_clock_comes_to_its_time(string cron, int minutes)
    {
        await _cluster.AddTriggerAsync(Parcels.Pipeline, new TriggerSpec { Name = $"every-{minutes}", Pipeline = Parcels.Pipeline.Name, Cron = new CronSchedule(cron) });
        Assert.Empty(await _cluster.AdvanceAsync(TimeSpan.FromSeconds(50)));
        // No run waits for it, so whoever waits for a run does not put the clock forward to it.
        // Times that are far away are reminders'.
        Assert.Equal(minutes == 1, _cluster.Time.NextGrainTimer is not null);
        Assert.False(_cluster.Time.HasRunTimer);

        var runs = await _cluster.AdvanceAsync(TimeSpan.FromMinutes(3 * minutes));

        Assert.Equal(3, runs.Count);
        Assert.All(runs, run => Assert.Equal(RunStatus.Succeeded, run.Status));
        var firings = await _cluster.Grains.GetGrain<ITriggerGrain>($"every-{minutes}").ListFiringsAsync(10, 0);
        Assert.Equal(3, firings.Count);
        Assert.All(firings, firing => Assert.InRange(firing.Fired - firing.Scheduled, TimeSpan.Zero, TimeSpan.FromMilliseconds(10)));
        Assert.Empty(await _cluster.AdvanceAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task A_stage_gets_what_it_requires_or_says_what_is_missing()
    {
        var pipeline = Pipeline.Create("licensed", p => p.Run(static () => 1).Named("solve").Requires("licence", 2));
        _cluster.Reset();
        var error = (await _cluster.RunAsync(pipeline)).Error!;
        Assert.Equal(ErrorCodes.ResourceMissing, error.Code);
        Assert.Contains("2 of 'licence', and this silo has 0", error.Message, StringComparison.Ordinal);

        await using var licensed = await TestCluster.StartAsync(new TestClusterOptions { Resources = new Dictionary<string, double> { ["licence"] = 2 } });
        (await licensed.RunAsync(pipeline)).EnsureSucceeded();
    }

    [Fact]
    public async Task What_follows_a_run_follows_it_at_once()
    {
        var second = Pipeline.Create("second", p => p.Run(static () => 1).Named("one"));
        await _cluster.AddTriggerAsync(Parcels.Pipeline, new TriggerSpec { Name = "hourly", Pipeline = Parcels.Pipeline.Name, Interval = new IntervalSchedule(TimeSpan.FromHours(1)) });
        await _cluster.AddTriggerAsync(second, new TriggerSpec { Name = "after", Pipeline = second.Name, After = new RunCompletion(Parcels.Pipeline.Name) });

        var runs = await _cluster.AdvanceAsync(TimeSpan.FromHours(2));

        Assert.Equal([Parcels.Pipeline.Name, "second", Parcels.Pipeline.Name, "second"], runs.Select(run => run.Pipeline));
    }

    [Fact]
    public async Task A_held_stage_times_out_by_the_clock()
    {
        var held = _cluster.Hold("train");
        var started = await _cluster.StartRunAsync(Parcels.Pipeline);
        var ended = started.WaitAsync();
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await held.ReachedAsync(attempt);
            _cluster.Time.Advance(TimeSpan.FromHours(1));
        }

        var run = await ended;
        Assert.Equal((RunStatus.Failed, ErrorCodes.Timeout), (run.Status, run.Error!.Code));
    }

    [Fact]
    public async Task A_held_stage_goes_on_when_released_and_ends_when_cancelled()
    {
        var held = _cluster.Hold("train");
        var first = await _cluster.StartRunAsync(Parcels.Pipeline);
        await held.Reached;
        Assert.Equal(StageStatus.Running, (await first.GetAsync())["train"].Status);
        await first.CancelAsync();
        Assert.Equal(RunStatus.Cancelled, (await first.WaitAsync()).Status);

        var second = await _cluster.StartRunAsync(Parcels.Pipeline);
        held.Release();
        (await second.WaitAsync()).EnsureSucceeded();
    }

    [Fact]
    public async Task A_double_of_a_stage_that_is_nowhere_is_refused()
    {
        _cluster.FailOn("trian");

        var thrown = await Assert.ThrowsAsync<GristmillException>(() => _cluster.RunAsync(Parcels.Pipeline));

        Assert.Equal(ErrorCodes.Invalid, thrown.Code);
        Assert.Contains("'trian'", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("train", thrown.Error.Hint!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clusters_side_by_side_know_nothing_of_each_other()
    {
        var clusters = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => TestCluster.StartAsync()));
        try
        {
            var runs = await Task.WhenAll(clusters.Select((cluster, i) =>
                cluster.Substitute("raw", Parcels.Rows.Take(i + 1)).RunAsync(Parcels.Pipeline, ("factor", 1))));

            Assert.Equal([1, 2, 3], runs.Select(run => run["train"].Metrics["score"]));
        }
        finally
        {
            foreach (var cluster in clusters)
            {
                await cluster.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task What_is_not_there_is_named_with_what_is()
    {
        var run = await _cluster.RunAsync(Parcels.Pipeline);

        Assert.Contains("train", Assert.Throws<KeyNotFoundException>(() => run["trian"]).Message, StringComparison.Ordinal);
        Assert.Contains("metrics (Metrics)", Assert.Throws<KeyNotFoundException>(() => run["train"].Rows()).Message, StringComparison.Ordinal);
        Assert.Contains("distance", Assert.Throws<KeyNotFoundException>(() => run["far"].Rows()[0]["dist"]).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidCastException>(() => run["far"].Rows()[0].Get<DateOnly>("carrier"));
        Assert.Throws<InvalidCastException>(() => run["far"].Rows<Far>());
    }

    [Fact]
    public async Task A_run_that_never_ends_is_given_up_and_what_it_waits_for_is_said()
    {
        await using var impatient = await TestCluster.StartAsync(new TestClusterOptions { Patience = TimeSpan.FromMilliseconds(200) });
        var held = impatient.Substitute("raw", Parcels.Rows).Hold("train");
        var started = await impatient.StartRunAsync(Parcels.Pipeline);
        await held.Reached;

        var thrown = await Assert.ThrowsAsync<TimeoutException>(() => started.WaitAsync());

        Assert.Contains("train: Running", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_its_end_cuts_off_is_no_error()
    {
        var log = new Recorder();
        var cluster = await TestCluster.StartAsync();
        cluster.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
        var logger = cluster.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Parcels");
        Assert.True(logger.IsEnabled(LogLevel.Error));
        var held = cluster.Hold("one");
        await cluster.StartRunAsync(Pipeline.Create("cut-off", p => p.Run(static () => 1).Named("one")));
        await held.Reached;

        var disposed = cluster.DisposeAsync();
        held.Release();
        await disposed;

        Assert.Empty(log.Lines);
        Assert.False(logger.IsEnabled(LogLevel.Error));
    }

    [Fact]
    public async Task It_opens_no_port_and_has_no_dashboard()
    {
        await using var cluster = await TestCluster.StartAsync();
        var listeners = cluster.Services.GetKeyedServices<IConnectionListenerFactory>(KeyedService.AnyKey).ToList();

        Assert.NotEmpty(listeners);
        Assert.All(listeners, factory => Assert.IsType<NoNetwork>(factory));
        Assert.DoesNotContain(cluster.Services.GetServices<IHostedService>(), service => service.GetType().Name.Contains("Dashboard", StringComparison.Ordinal));
        Assert.Null(cluster.Services.GetRequiredService<ILocalSiloDetails>().GatewayAddress);
    }

    [Fact]
    public async Task It_leaves_nothing_behind()
    {
        var cluster = await TestCluster.StartAsync();
        var folder = cluster.Folder;
        Assert.True(Directory.Exists(folder));
        await cluster.DisposeAsync();
        Assert.False(Directory.Exists(folder));
    }

    private sealed class Recorder : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
