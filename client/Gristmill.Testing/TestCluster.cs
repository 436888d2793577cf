using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using Gristmill.Engines;
using Gristmill.Hosting;
using Gristmill.Objects;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.Timers;

namespace Gristmill.Testing;

/// <summary>
/// A cluster inside a test: one silo in this process, whose stages run in this process too, whose clock the test moves, and whose stages
/// the test may replace, hold or fail. It keeps nothing on disk and takes no fixed port, so clusters stand side by side.
/// </summary>
/// <example>
/// <code>
/// await using var cluster = await TestCluster.StartAsync();
/// cluster.Substitute("raw", [new { distance = 300, late = true }, new { distance = 20, late = false }]);
/// cluster.FailOn("train", attempts: 2);
///
/// var run = await cluster.RunAsync(pipeline, ("epochs", 1));
///
/// Assert.Equal(RunStatus.Succeeded, run.Status);
/// Assert.Equal(3, run["train"].Attempts);
/// </code>
/// </example>
public sealed partial class TestCluster : IAsyncDisposable
{
    // Three seconds: a busy machine may be slow, and what has no timer of a grain seldom waits at all.
    private const int LongQuiet = 300;

    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(10);

    private readonly IHost _host;
    private readonly LogGate _log;
    private readonly TestFolder _folder;
    private readonly TestClusterOptions _options;
    private readonly StageDoubles _doubles;
    private readonly DoubledExecutor _executor;
    private readonly HashSet<string> _knownStages = new(StringComparer.Ordinal);

    private TestCluster(IHost host, TestFolder folder, TestClusterOptions options, TestClock clock, StageDoubles doubles, LogGate log)
    {
        _host = host;
        _log = log;
        _folder = folder;
        _options = options;
        _doubles = doubles;
        Time = clock;
        Grains = host.Services.GetRequiredService<IGrainFactory>();
        _executor = (DoubledExecutor)host.Services.GetRequiredService<IStageExecutor>();
    }

    /// <summary>Its clock.</summary>
    public TestClock Time { get; }

    /// <summary>Its grains, for what has no method here.</summary>
    public IGrainFactory Grains { get; }

    /// <summary>The services of its silo.</summary>
    public IServiceProvider Services => _host.Services;

    internal string Folder => _folder.Root;

    /// <summary>Every attempt made so far, in order: a stage that was taken from the cache or skipped made none.</summary>
    public IReadOnlyList<TestAttempt> Attempts => [.. _executor.Attempts];

    /// <summary>Starts a cluster.</summary>
    /// <param name="options">Settings; null: the defaults.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<TestCluster> StartAsync(TestClusterOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new TestClusterOptions();
        var folder = TestFolder.Create();
        var clock = new TestClock(options.StartTime);
        var doubles = new StageDoubles();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        var log = new LogGate(options.LogLevel);
        builder.Logging.AddFilter(log.Passes).AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        var silo = SiloBlueprint.Get().Apply(builder);
        silo.UseGristmill(settings =>
        {
            settings.DataDirectory = folder.Data;
            settings.ObjectDirectory = folder.Objects;
            settings.Executor = ExecutorKind.InProcess;
            settings.BaseDirectory = options.BaseDirectory ?? Environment.CurrentDirectory;
            settings.ThreadsPerSlot = options.Threads;
            settings.Dashboard = false;
            // A name, not a port that anybody listens at.
            settings.SiloPort = settings.GatewayPort = folder.Number % IPEndPoint.MaxPort + 1;
            foreach (var (resource, amount) in options.Resources)
            {
                settings.Resources[resource] = amount;
            }
        });
        silo.Configure<EndpointOptions>(static endpoints => endpoints.GatewayPort = 0);
        // Whatever goes on every second keeps the clock from standing still.
        silo.Configure<DeploymentLoadPublisherOptions>(static load => load.DeploymentLoadPublisherRefreshTime = TimeSpan.Zero);
        silo.Services.AddSingleton<TimeProvider>(clock);
        var timers = silo.Services.Last(service => service.ServiceType == typeof(ITimerRegistry)).ImplementationType!;
        silo.Services.AddSingleton<ITimerRegistry>(services => new TimersOfGrains((ITimerRegistry)ActivatorUtilities.CreateInstance(services, timers)));
        // Calls time out by the same clock: one that jumps by hours must not end those that are under way.
        silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = messaging.SystemResponseTimeout = TestClock.Never);
        var real = silo.Services.Last(service => service.ServiceType == typeof(IStageExecutor));
        silo.Services.AddSingleton<IStageExecutor>(services => new DoubledExecutor(
            (IStageExecutor)real.ImplementationFactory!(services),
            services.GetRequiredService<ObjectStore>(), services.GetRequiredService<ContentStore>(), services.GetRequiredService<ModelLoader>(),
            clock, doubles, options));

        var host = builder.Build();
        try
        {
            // Half of what the silo is made of needs no other half.
            var serializer = Task.Run(host.Services.GetRequiredService<Serializer>, cancellationToken);
            var executor = Task.Run(host.Services.GetRequiredService<IStageExecutor>, cancellationToken);
            await Task.WhenAll(host.StartAsync(cancellationToken), serializer, executor);
            return new TestCluster(host, folder, options, clock, doubles, log);
        }
        catch
        {
            await StopAsync(host);
            folder.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Puts a delegate in a stage's place. It may capture what it likes. Its parameters are bound by name as those of a stage of one's own
    /// code, to the inputs, arguments and options of the stage it replaces, as far as it has them; <see cref="StageContext"/> has the rest.
    /// </summary>
    /// <param name="stage">The stage's name.</param>
    /// <param name="with">What runs instead, such as <c>(Dataset train, int epochs) => 0.5</c>; it returns what a stage may return.</param>
    public TestCluster Replace(string stage, Delegate with)
    {
        ArgumentException.ThrowIfNullOrEmpty(stage);
        ArgumentNullException.ThrowIfNull(with);
        _doubles.Add(new StageDouble { Stage = stage, Run = (context, token) => Replacement.RunAsync(with, context, token) });
        return this;
    }

    /// <summary>Puts a delegate in the place of every stage that calls a method, whatever the stages are called.</summary>
    /// <param name="method">The method that the pipeline passes to <c>p.Run</c>.</param>
    /// <param name="with">What runs instead.</param>
    public TestCluster Replace(Delegate method, Delegate with)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(with);
        _doubles.Add(new StageDouble { Method = method.Method, Run = (context, token) => Replacement.RunAsync(with, context, token) });
        return this;
    }

    /// <summary>Puts a small table in the place of what a stage would read or compute.</summary>
    /// <param name="stage">The stage's name.</param>
    /// <param name="rows">
    /// Objects, whose properties are the columns, named in camelCase or as JsonPropertyName says; or dictionaries of columns. Values are
    /// text, booleans, numbers, DateOnly, DateTime, DateTimeOffset, enums (as text), or lists of these; null is a missing value.
    /// </param>
    /// <param name="output">The output's name.</param>
    public TestCluster Substitute<T>(string stage, IEnumerable<T> rows, string output = "out")
    {
        ArgumentException.ThrowIfNullOrEmpty(stage);
        ArgumentNullException.ThrowIfNull(rows);
        var copy = rows.ToList();
        _doubles.Add(new StageDouble
        {
            Stage = stage,
            Run = (context, _) => Task.FromResult(new StageOutputs().Add(output, Artifact.Of(RowWriter.Write(context.Objects, copy)))),
        });
        return this;
    }

    /// <summary>Makes a stage's first attempts fail with an error of its own code; it is retried only if its policy retries errors.</summary>
    /// <param name="stage">The stage's name.</param>
    /// <param name="attempts">How many attempts fail; by default every one.</param>
    /// <param name="error">What they throw. Default: an InvalidOperationException.</param>
    public TestCluster FailOn(string stage, int attempts = int.MaxValue, Exception? error = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(stage);
        ArgumentOutOfRangeException.ThrowIfLessThan(attempts, 1);
        _doubles.Add(new StageDouble
        {
            Stage = stage,
            Failing = attempts,
            Error = request => error ?? new InvalidOperationException($"The test makes attempt {request.Attempt} fail."),
        });
        return this;
    }

    /// <summary>Makes a stage's first attempts end as if their worker process had died, which is always retried.</summary>
    /// <param name="stage">The stage's name.</param>
    /// <param name="attempts">How many attempts die.</param>
    public TestCluster CrashOn(string stage, int attempts = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(attempts, 1);
        return FailOn(stage, attempts, new GristmillException(ErrorCodes.WorkerCrashed, $"The worker of stage '{stage}' was ended by the test."));
    }

    /// <summary>Makes a stage wait until the test lets it go: to see what happens meanwhile, or when its time limit passes.</summary>
    /// <param name="stage">The stage's name.</param>
    public HeldStage Hold(string stage)
    {
        ArgumentException.ThrowIfNullOrEmpty(stage);
        var held = new HeldStage();
        _doubles.Add(new StageDouble { Stage = stage, Hold = held });
        return held;
    }

    /// <summary>Lets every stage be itself again.</summary>
    public void Reset() => _doubles.Clear();

    /// <summary>Runs a pipeline to its end.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="parameters">Parameters of the run.</param>
    /// <returns>What became of it; it may have failed (<see cref="TestRun.EnsureSucceeded"/>).</returns>
    /// <exception cref="GristmillException">It cannot be started: a parameter is wrong, or a double names a stage that is in no pipeline.</exception>
    /// <exception cref="TimeoutException">It takes longer than <see cref="TestClusterOptions.Patience"/>.</exception>
    public async Task<TestRun> RunAsync(Pipeline pipeline, params (string Name, object? Value)[] parameters) =>
        await (await StartRunAsync(pipeline, parameters)).WaitAsync();

    /// <summary>Starts a run and returns at once.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="parameters">Parameters of the run.</param>
    /// <exception cref="GristmillException">It cannot be started: a parameter is wrong, or a double names a stage that is in no pipeline.</exception>
    public Task<StartedRun> StartRunAsync(Pipeline pipeline, params (string Name, object? Value)[] parameters)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(parameters);
        return StartRunAsync(pipeline.Spec, new RunRequest
        {
            Parameters = parameters.ToImmutableDictionary(p => p.Name, p => JsonSerializer.Serialize(p.Value, GristmillJson.Options), StringComparer.Ordinal),
        });
    }

    /// <summary>Starts a run of a spec and returns at once.</summary>
    /// <param name="spec">The pipeline.</param>
    /// <param name="request">Parameters and the like.</param>
    /// <exception cref="GristmillException">It cannot be started.</exception>
    public async Task<StartedRun> StartRunAsync(PipelineSpec spec, RunRequest request)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(request);
        RequireKnown(spec);
        await Grains.RegisterPipelineAsync(spec);
        return new StartedRun(this, await Grains.GetGrain<IPipelineGrain>(spec.Name).StartRunAsync(request));
    }

    /// <summary>The rows of a table that a run made.</summary>
    /// <param name="table">The table.</param>
    public IReadOnlyList<TestRow> Rows(ObjectRef table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return RowReader.Read(Services.GetRequiredService<ObjectStore>(), table);
    }

    /// <summary>The newest version of a registered model, or null.</summary>
    /// <param name="model">The model's name.</param>
    public async Task<ModelView?> GetModelAsync(string model) => await Grains.GetGrain<IModelGrain>(model).GetAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _log.Close();
        await StopAsync(_host);
        _folder.Dispose();
    }

    internal async Task<TestRun> WaitAsync(string run, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_options.Patience);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var events = 0L;
        var end = WatchAsync(run, () => Interlocked.Increment(ref events), ended.Token);
        try
        {
            var (seen, quiet) = (-1L, 0);
            while (await Task.WhenAny(end, Task.Delay(s_quiet, ended.Token)) != end)
            {
                ended.Token.ThrowIfCancellationRequested();
                var now = _executor.Activity + Interlocked.Read(ref events);
                // Nothing runs, nothing has happened for a while: what it waits for is a timer, of a grain most likely.
                quiet = now == seen && _executor.Active == 0 ? quiet + 1 : 0;
                if (_options.SkipTime && (quiet >= LongQuiet || (quiet > 0 && Time.HasRunTimer)))
                {
                    Time.AdvanceToNextTimer();
                    quiet = 0;
                }

                seen = now;
            }

            return await WholeAsync(await end);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            var view = await Grains.GetGrain<IRunGrain>(run).GetAsync();
            throw new TimeoutException($"The run has not ended within {_options.Patience.TotalSeconds:0.#} s; next timer: {Time.NextTimer?.ToString("u") ?? "none"}, clock: {Time.GetUtcNow():u}.\n"
                + (view is null ? "" : (await WholeAsync(view)).ToString()));
        }
    }

    /// <summary>The run with all its stages: of a large one a view has some.</summary>
    internal async Task<TestRun> WholeAsync(RunView run)
    {
        if (run.IsWhole)
        {
            return new TestRun(this, run);
        }

        var stages = ImmutableArray.CreateBuilder<StageView>();
        for (int? next = 0; next is { } at;)
        {
            var page = (await Grains.GetGrain<IRunGrain>(run.Id).GetStagesAsync(at, 1000, null))!;
            stages.AddRange(page.Stages);
            next = page.Next;
        }

        return new TestRun(this, run with { Stages = stages.ToImmutable() });
    }

    private async Task<RunView> WatchAsync(string run, Action happened, CancellationToken cancellationToken)
    {
        while (true)
        {
            await foreach (var change in Grains.GetGrain<IRunGrain>(run).FollowAsync(cancellationToken))
            {
                happened();
                if (change.Run is { Ended: not null } over)
                {
                    return over;
                }
            }
        }
    }

    /// <summary>A double for a stage that is nowhere would be a test that proves nothing.</summary>
    private void RequireKnown(PipelineSpec spec)
    {
        lock (_knownStages)
        {
            _knownStages.UnionWith(spec.Stages.Select(stage => stage.Name));
            if (_doubles.Names.FirstOrDefault(name => !_knownStages.Contains(name)) is { } unknown)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The test doubles stage '{unknown}', which pipeline '{spec.Name}' does not have.",
                    $"Its stages are {string.Join(", ", spec.Stages.Select(stage => stage.Name))}.");
            }
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A test's verdict is not changed by how its silo stops.")]
    private static async Task StopAsync(IHost host)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await host.StopAsync(limit.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or AggregateException)
        {
            // It is dropped as it stands.
        }

        await ((IAsyncDisposable)host).DisposeAsync();
    }
}
