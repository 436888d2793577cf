using System.Collections.Immutable;
using System.Diagnostics;
using Gristmill.Grains.Clocks;
using Gristmill.Grains.Pipelines;
using Gristmill.Grains.State;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Runs;

/// <inheritdoc cref="IRunGrain"/>
/// <remarks>
/// Its own state is written four times at most: at the start, when it is cancelled, when only the stages of its exit are left,
/// and at the end (retries, pauses and a removal aside). In between the stages
/// hold the truth; an activation that finds the run unfinished asks them and goes on. State and messages stay small however many
/// stages there are: the spec is referred to, and views of stages go in pages.
/// </remarks>
[GrainType("gristmill.run")]
internal sealed partial class RunGrain(
    [PersistentState("definition", StorageNames.Gristmill)] IPersistentState<RunDefinition> definition,
    [PersistentState("outcome", StorageNames.Gristmill)] IPersistentState<RunOutcome> outcome,
    SpecCache specs,
    StagePages pages,
    RunIndex index,
    StageExecution execution,
    OrderedStates states,
    TimeProvider time,
    IStageFingerprints fingerprints,
    ILogger<RunGrain> logger) : Grain, IRunGrain, IRunControlGrain, IRemindable
{
    /// <summary>The reminder that keeps an unfinished run going; also how a silo finds unfinished runs.</summary>
    public const string ReminderName = "gristmill.run";

    private const int MaxPage = 1000;
    private const int StartsAtOnce = 256;
    private const int AsksAtOnce = 64;

    /// <summary>Names in one answer: each has at most some hundred characters.</summary>
    private const int InstancesAtOnce = 400;

    /// <summary>Stages of one run that run, or wait for a worker, at a time: the others cost nothing until their turn comes.</summary>
    private const int MaxRunning = 1024;

    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    private readonly ILogger<RunGrain> _logger = logger;
    private readonly RunWatchers _watchers = new();
    private readonly TurnLock _writing = new();
    private readonly Durable<RunDefinition> _definition = new(definition);
    private readonly Durable<RunOutcome> _outcome = new(outcome);
    private PipelineSpec? _spec;
    private RunGraph? _graph;
    private DateTimeOffset? _started;
    private int _starting;
    private bool _beginning;
    private bool _ending;
    private Task _ready = Task.CompletedTask;
    private Task _ended = Task.CompletedTask;

    private string Id => this.GetPrimaryKeyString();

    /// <summary>Whether anybody sees it: a run that is being removed is gone for all but its own removal.</summary>
    private bool Exists => _definition.Value.Exists && !_outcome.Value.Removed;

    /// <summary>Of runs stored before pipelines were kept apart from specs, the spec knows.</summary>
    private string Pipeline => _definition.Value.Spec?.Name ?? _definition.Value.Pipeline;

    private bool Paused => _outcome.Value.Paused;

    // A run that is retried has no graph until it has read its spec again.
    private ErrorInfo? Error => _outcome.Value.IsFinal ? _outcome.Value.Error : _graph?.Failure is { } failure ? _irreparable ?? failure : null;

    /// <summary>Why nothing more is to start but what asked for that, or null.</summary>
    private string? Stopping => _graph!.Failure is { } failure && _spec!.OnFailure == FailurePolicy.FailFast
        ? $"stage '{failure.Details.GetValueOrDefault("stage")}' failed"
        : null;

    /// <summary>Whether a cancellation keeps everything from starting; stages of the exit start all the same.</summary>
    private bool IsHeld => _outcome.Value.CancelRequested && _outcome.Value.Exit is null;

    private RunStatus Status => _outcome.Value.IsFinal ? _outcome.Value.Status : _started is null ? RunStatus.Pending : RunStatus.Running;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _started = _outcome.Value.Started;
        if (Exists && !_outcome.Value.IsFinal)
        {
            // Not awaited: stages that come alive by being asked may call back at once.
            _ready = RecoverAsync();
        }

        return Task.CompletedTask;
    }

    public async Task StartAsync(RunStart start)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (Exists)
        {
            return;
        }

        if (_outcome.Value.Removed)
        {
            throw new GristmillException(ErrorCodes.Conflict, $"Run '{Id}' is being removed.", "Ask again: that starts a new run.").With("run", Id);
        }

        await LoadAsync(await specs.GetAsync(start.Spec));
        (_beginning, _knowsAll) = (true, true);
        try
        {
            // At once, so that they share a flush. A reminder without a run removes itself; a run without one, whose starter
            // never heard of it, gets one when it is next activated.
            await Task.WhenAll(
                this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod),
                _definition.SetAsync(new RunDefinition
                {
                    Source = start.Spec,
                    Pipeline = start.Pipeline,
                    Version = start.Version,
                    CodeVersion = start.CodeVersion,
                    Parameters = start.Parameters,
                    Request = start.Request,
                    Created = time.GetUtcNow(),
                    TraceParent = Activity.Current?.Id,
                    Environment = RunEnvironment.Current,
                }));
        }
        catch when (Exists)
        {
            // Its starter is told that there is no run.
            await _definition.ClearAsync();
            throw;
        }
        finally
        {
            _beginning = false;
        }

        index.Show(Projection([]));
        LogStarted(Id, start.Pipeline, start.Version, _spec!.Stages.Length);
        Advance();
    }

    public async Task<RunView?> GetAsync()
    {
        await ReadyAsync();
        return Exists ? View() : null;
    }

    public async Task<StagePage?> GetStagesAsync(int offset, int limit, StageStatus? status)
    {
        await ReadyAsync();
        if (offset < 0 || limit is < 1 or > MaxPage)
        {
            throw new GristmillException(
                ErrorCodes.Invalid, $"The offset is {offset} and the limit {limit}; 0 or more, and 1 to {MaxPage}, are possible.", "Ask for fewer, and page with the offset.");
        }

        return !Exists ? null
            : Pages.IsEmpty ? StageSelection.Page(Views, Counts, offset, limit, status)
            : await pages.GetAsync(Pages, Counts, offset, limit, status);
    }

    public async Task<StageView?> GetStageAsync(string name)
    {
        await ReadyAsync();
        return !Exists ? null
            : !Pages.IsEmpty ? await pages.FindAsync(Pages, name)
            : Views.FirstOrDefault(view => view.Name == name);
    }

    public async Task<RunSummary?> GetSummaryAsync()
    {
        await ReadyAsync();
        return Exists ? Summary() : null;
    }

    public async IAsyncEnumerable<RunEvent> WatchAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await ReadyAsync();
        Require();
        await foreach (var change in _watchers.WatchAsync(View(), Views, cancellationToken))
        {
            yield return change;
        }
    }

    public async Task CancelAsync()
    {
        await ReadyAsync();
        Require();
        await _writing.EnterAsync();
        try
        {
            if (_outcome.Value.Exit is not null && !_outcome.Value.IsFinal)
            {
                // How it ended is settled: what is left is not to wait for.
                CancelRunningStages();
                return;
            }

            if (_outcome.Value.IsFinal || _outcome.Value.CancelRequested)
            {
                return;
            }

            await _outcome.SetAsync(_outcome.Value with { CancelRequested = true, Started = _started });
        }
        finally
        {
            _writing.Leave();
        }

        LogCancelling(Id);
        await _ready; // which it may not be since: lost tables are being made again
        CancelRunningStages();
        Advance();
    }

    public async Task OnStageChangedAsync(StageView stage)
    {
        ArgumentNullException.ThrowIfNull(stage);
        await ReadyAsync();
        if (_graph?.IndexOf(stage.Name) is { } i && !_outcome.Value.IsFinal)
        {
            Take(i, stage);
            Advance();
        }
    }

    public Task<RunDefinition?> GetDefinitionAsync() => Task.FromResult(Exists ? _definition.Value : null);

    public async Task ResumeAsync()
    {
        await ReadyAsync();
        if (_outcome.Value.Removed)
        {
            await JoinRemovalAsync();
            return;
        }

        if (!Exists || _outcome.Value.IsFinal)
        {
            if (_outcome.Value.IsFinal)
            {
                // It ended, but its silo may have died before everybody knew.
                await TellPipelineAsync(Summary());
                await TellTriggersAsync();
            }

            if (!_beginning && (!Exists || await index.ShowEndAsync(Projection(await AllAsync()))))
            {
                await RemoveReminderAsync();
            }

            return;
        }

        // Asking a stage brings it back to life where its silo died, and it goes on by itself.
        if (_chain is null)
        {
            await AskAsync([.. Enumerable.Range(0, _graph!.Views.Count).Where(i => _graph.Views[i].Status == StageStatus.Running && _graph.Loop(i) is null)]);
        }

        Advance();
    }

    public async Task IndexAsync()
    {
        await ReadyAsync();
        if (Exists)
        {
            await index.ShowEndAsync(Projection(await AllAsync()));
        }
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => ResumeAsync();

    /// <summary>Waits until the run has been recovered, and has it know all that is stored of its stages.</summary>
    private async Task ReadyAsync()
    {
        await _ready;
        _chain?.TakeIn();
    }

    private void Require()
    {
        if (!Exists)
        {
            throw new GristmillException(ErrorCodes.NotFound, $"There is no run '{Id}'.", "List the pipeline's runs.").With("run", Id);
        }
    }

    private async Task RecoverAsync()
    {
        LogRecovering(Id, Pipeline);
        try
        {
            await LoadAsync(_definition.Value.Spec ?? await specs.GetAsync(_definition.Value.Source!));
            if (await this.GetReminder(ReminderName) is null)
            {
                await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
            }

            await RestoreAsync();
        }
        catch
        {
            // Who waits gets the error; the next call gets a new activation and another try.
            DeactivateOnIdle();
            throw;
        }

        if (IsHeld)
        {
            CancelRunningStages();
        }

        // On the next turn: whoever waits for the recovery sees it before anything new starts.
        _ = Task.Factory.StartNew(Advance, CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Current);
    }

    /// <summary>Makes the graph; of many stages not in a turn.</summary>
    private async Task LoadAsync(PipelineSpec spec)
    {
        var graph = spec.Stages.Length <= RunView.MaxStages ? new RunGraph(spec) : await Task.Run(() => new RunGraph(spec));
        (_spec, _graph) = (spec, graph);
    }

    private async Task AskAsync(int[] stages)
    {
        foreach (var some in stages.Chunk(AsksAtOnce))
        {
            await Task.WhenAll(some.Select(async i =>
            {
                if (await Retry.TransientAsync(() => AskStageAsync(i), time) is { } view)
                {
                    Take(i, view);
                }
            }));
        }
    }

    private Task<StageView?> AskStageAsync(int i) => Stage(i).RestoreAsync(_outcome.Value.Retries, _outcome.Value.Lost.Contains(_graph!.Views[i].Name));

    private void CancelRunningStages()
    {
        if (_chain is not null)
        {
            _chain.Cancel();
            return;
        }

        for (var i = 0; i < _graph!.Views.Count; i++)
        {
            if (_graph.Views[i].Status == StageStatus.Running && _graph.Loop(i) is null)
            {
                CancelStageAsync(i).Ignore();
            }
        }
    }

    private Task CancelStageAsync(int i) => Retry.TransientAsync(() => Stage(i).CancelAsync(), time);

    /// <summary>Starts what is ready, and ends the run when nothing is left to wait for.</summary>
    private void Advance()
    {
        if (_ending || _leaving || _graph is null || _outcome.Value.IsFinal)
        {
            return;
        }

        try
        {
            StartReady();
            EndIfOver();
        }
        catch (Exception e)
        {
            // A stage that was taken and not started would be waited for for ever.
            StepDown(e);
        }
    }

    private void StartReady()
    {
        while (!IsHeld && !(Paused && Stopping is null) && _starting < StartsAtOnce && _graph!.Running < MaxRunning && _graph.TryTakeReady(out var i))
        {
            var decision = StageDecision.Of(i, _graph, _definition.Value, _spec!.Code, Stopping, _outcome.Value.Exit);
            if (decision.Start is { } start)
            {
                var now = time.GetUtcNow(_started ?? _definition.Value.Created);
                var alone = _graph.Running == 0 && _starting == 0 && !_graph.HasReady;
                MarkStarted(now);
                Take(i, _graph.Views[i] with { Status = StageStatus.Running, Attempts = 1, Started = now });
                if (alone && MayCarry(start))
                {
                    _ = OrStepDownAsync(CarryAsync(Carry(i, start, now)));
                    continue;
                }

                _starting++;
                StartStageAsync(i, start).Ignore();
            }
            else if (decision.List is { } list)
            {
                _starting++;
                StartLoopAsync(i, list).Ignore();
            }
            else
            {
                Settle(i, decision);
            }
        }
    }

    private void EndIfOver()
    {
        if (_starting > 0 || _graph!.Running > 0 || (!IsHeld && _graph.Unfinished > 0) || (_graph.IsAtExit && _graph.UnfinishedAtExit > 0))
        {
            return;
        }

        _ending = true;
        if (MakesAgain())
        {
            return;
        }

        if (_graph.HasExit && !_graph.IsAtExit)
        {
            _ = OrStepDownAsync(ExitAsync());
            return;
        }

        _ended = OrStepDownAsync(EndAsync());
    }

    /// <summary>
    /// What this activation began and could not bring to an end, another one goes on with: a run whose store was written by another
    /// activation, or that met a bug, is not to stand still.
    /// </summary>
    private async Task OrStepDownAsync(Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e)
        {
            StepDown(e);
        }
    }

    private void StepDown(Exception e)
    {
        LogSteppedDown(Id, e);
        Leave();
    }

    /// <summary>Ends this activation: another one goes on with the run from what is stored.</summary>
    private void Leave()
    {
        _leaving = true;
        _watchers.Abort();
        DeactivateOnIdle();
    }

    private async Task StartStageAsync(int i, StageStart start)
    {
        try
        {
            await Retry.TransientAsync(() => Stage(i).StartAsync(start), time);
            if (IsHeld)
            {
                await CancelStageAsync(i);
            }
        }
        catch (Exception e)
        {
            LogStageNotStarted(Id, start.Spec.Name, e);
            Take(i, _graph!.Views[i] with { Status = StageStatus.Failed, Error = GristmillException.Describe(e), Ended = time.GetUtcNow(_graph.Views[i].Started) });
        }
        finally
        {
            _starting--;
            Advance();
        }
    }

    private void MarkStarted(DateTimeOffset now)
    {
        if (_started is null)
        {
            _started = now;
            index.Show(Projection([]));
            TellPipelineAsync(Summary()).Ignore();
        }
    }

    /// <summary>Takes over how a stage stands and tells the watchers.</summary>
    private void Take(int i, StageView view)
    {
        if (!_graph!.Apply(i, view))
        {
            return;
        }

        if (view.Started is { } started)
        {
            _started ??= started;
        }

        if (RunIndex.Metrics(view) is not null)
        {
            index.Show(Projection([view]));
        }

        if (_watchers.Any)
        {
            _watchers.Publish(_graph.Views[i], Status, _graph.Counts, Paused);
        }

        TakeChanges();
    }

    private async Task EndAsync()
    {
        var now = time.GetUtcNow(_outcome.Value.Exit?.Ended ?? _started ?? _definition.Value.Created);
        var status = EndStatus();
        var error = status == RunStatus.Failed ? Error : null;
        _graph!.CancelPending(ExitReason(status), now);
        ImmutableArray<StageView> stages = [.. _graph.Views.Select(static view => view with { Progress = null })];
        var shown = StageSelection.Of(stages);
        await _writing.EnterAsync();
        try
        {
            await Retry.StorageAsync(
                async () => await _outcome.SetAsync(_outcome.Value with
                {
                    Status = status,
                    Started = _started,
                    Ended = now,
                    Error = error,
                    Stages = shown,
                    Counts = StageCounts.Of(stages),
                    CacheHits = stages.Count(static stage => stage.CachedFrom is not null),
                    // Before the outcome that refers to them, and outside the outcome: its size does not depend on theirs.
                    Pages = shown.Length < stages.Length ? await pages.PutAsync(stages) : [],
                }),
                time,
                e => LogEndNotStored(Id, e));
        }
        finally
        {
            _writing.Leave();
        }

        LogEnded(Id, status, error?.Code);
        _watchers.End(View());
        await TellPipelineAsync(Summary());
        await TellTriggersAsync();
        if (await index.ShowEndAsync(Projection(stages)))
        {
            await Retry.TransientAsync(RemoveReminderAsync, time);
        }

        _graph = null;
    }

    private async Task RemoveReminderAsync()
    {
        if (await this.GetReminder(ReminderName) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }

    private IStageGrain Stage(int i) => GrainFactory.GetGrain<IStageGrain>($"{Id}/{_graph!.Views[i].Name}");
}
