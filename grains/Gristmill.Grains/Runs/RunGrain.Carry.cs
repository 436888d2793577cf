using Gristmill.Grains.Clocks;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace Gristmill.Grains.Runs;

// Stages that the run executes itself.
internal sealed partial class RunGrain : CarriedChain.IRun
{
    private const int CommitTries = 6;

    /// <summary>The stages that this activation executes, one at a time; while it does, nothing else of the run is executed.</summary>
    private CarriedChain? _chain;

    /// <summary>Whether no stage can have a state that this activation does not know of: it has begun the run.</summary>
    private bool _knowsAll;
    private volatile bool _leaving;
    private GrainType? _stageType;

    bool CarriedChain.IRun.IsLeaving => _leaving;

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _leaving = true;
        _watchers.Abort();
        if (_chain is { } chain)
        {
            await chain.LeaveAsync();
        }
    }

    /// <summary>Whether the run may execute a stage itself. What requires resources goes where they are.</summary>
    private bool MayCarry(StageStart start) => _knowsAll && !_leaving && start.Spec.Resources is not { Count: > 0 };

    private CarriedStage Carry(int i, StageStart start, DateTimeOffset now)
    {
        var (origin, grain) = Name(i);
        return new CarriedStage(time, new ChainLink(i, origin, grain), start, now);
    }

    private (StageOrigin Origin, GrainId Grain) Name(int i)
    {
        var name = _graph!.Views[i].Name;
        // Asked once: a reference is looked for by its interface each time.
        _stageType ??= Stage(i).GetGrainId().Type;
        return (new StageOrigin(Id, name), GrainId.Create(_stageType.Value, $"{Id}/{name}"));
    }

    /// <summary>Executes a stage and those that follow it, as long as each is the only one to do.</summary>
    private async Task CarryAsync(CarriedStage first)
    {
        // What is read of these outside of a turn does not change while a stage is carried, but for how the chain's stages stand.
        var (graph, definition, code, exit) = (_graph!, _definition.Value, _spec!.Code, _outcome.Value.Exit);
        var chain = _chain = new CarriedChain(this, Decide, first, execution, states, TaskScheduler.Current);
        try
        {
            await CarryAsync(chain, first);
        }
        finally
        {
            chain.End();
            // The grain that a failed stage was handed to may have told its end meanwhile, and the run may carry another one by now.
            _chain = _chain == chain ? null : _chain;
        }

        Advance();

        StageStart? Decide(int node, Func<int, StageView?> ended) =>
            StageDecision.Of(node, graph, definition, code, stopping: null, exit, ended).Start is { } start && MayCarry(start) ? start : null;
    }

    private async Task CarryAsync(CarriedChain chain, CarriedStage first)
    {
        try
        {
            await Retry.TransientAsync(() => states.WriteAsync(CarriedStage.StateName, first.Grain, first.Stored), time);
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            LogStageNotStarted(Id, first.Origin.Stage, e);
            Take(first.Node, _graph!.Views[first.Node] with { Status = StageStatus.Failed, Error = GristmillException.Describe(e), Ended = time.GetUtcNow(_graph.Views[first.Node].Started) });
            return;
        }

        chain.TakeIn();
        for (var stage = first; stage is not null;)
        {
            var ended = await chain.RunAsync(stage);
            chain.TakeIn();
            stage = await EndAsync(ended, chain);
        }
    }

    void CarriedChain.IRun.TakeIn(CarriedOutcome ended)
    {
        Take(ended.Stage.Node, ended.State.View(ended.Stage.Origin.Stage));
        Take(ended.Next!.Node, ended.Next.Running.View(ended.Next.Origin.Stage));
    }

    IEnumerable<int> CarriedChain.IRun.After(int node) => IsHeld || Paused || Stopping is not null ? [] : _graph!.OnlySuccessors(node);

    (StageOrigin Origin, GrainId Grain) CarriedChain.IRun.Name(int node) => Name(node);

    void CarriedChain.IRun.Report(CarriedStage stage, StageProgress progress) => Take(stage.Node, _graph!.Views[stage.Node] with { Progress = progress });

    void CarriedChain.IRun.StepDown(Exception exception) => StepDown(exception);

    /// <summary>Does what follows from the end of a stage that is the last of its chain, or could not be stored.</summary>
    /// <returns>A stage that goes on all the same, and is stored as running with that end, or null.</returns>
    private async Task<CarriedStage?> EndAsync(CarriedOutcome ended, CarriedChain chain)
    {
        using var stage = ended.Stage;
        for (var tries = 1; ended.Refusal is { } refusal and not InconsistentStateException && !_leaving; tries++)
        {
            LogCarriedNotStored(Id, stage.Origin.Stage, tries, refusal);
            if (tries == CommitTries)
            {
                ended = ended with { Error = GristmillException.Describe(refusal), Refusal = null };
                break;
            }

            await Task.Delay(Retry.Delay(tries), time);
            ended = await stage.StoreAsync(ended, states, chain);
        }

        if (_leaving)
        {
            if (ended.Refusal is { } lost)
            {
                // As lost as with a silo that was killed.
                LogInterruptionNotStored(Id, stage.Origin.Stage, lost);
            }

            return null;
        }

        if (ended.Refusal is { } fenced)
        {
            StepDown(fenced);
            return null;
        }

        if (ended.Error is { } error)
        {
            await HandOverAsync(stage, ended.State, error);
            return null;
        }

        await execution.CommittedAsync(stage.Origin, ended.Result!, ended.State.Cache);
        if (ended.Next is { } next)
        {
            chain.TakeIn(ended);
            return next;
        }

        Take(stage.Node, ended.State.View(stage.Origin.Stage));
        return null;
    }

    /// <summary>Lets the stage's grain go on with it.</summary>
    private async Task HandOverAsync(CarriedStage stage, StageState end, ErrorInfo error)
    {
        var carried = new CarriedEnd { Epoch = end.Epoch, Error = error, Cancelled = stage.IsCancelled, Cache = end.Cache, Logs = end.Logs };
        try
        {
            await Retry.TransientAsync(() => GrainFactory.GetGrain<IStageControlGrain>(stage.Grain).TakeOverAsync(carried), time);
        }
        catch (Exception e)
        {
            // The reminder, or the next activation, asks the stage to go on.
            LogNotHandedOver(Id, stage.Origin.Stage, e);
        }

        if (!carried.Cancelled && (IsHeld || stage.IsCancelled))
        {
            // Asked for while the stage was on its way.
            await CancelStageAsync(stage.Node);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {Run}, stage {Stage}: its end could not be stored, try {Attempt}")]
    private partial void LogCarriedNotStored(string run, string stage, int attempt, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Run}, stage {Stage}: its grain could not be told how it ended")]
    private partial void LogNotHandedOver(string run, string stage, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Run}, stage {Stage}: the interruption could not be stored")]
    private partial void LogInterruptionNotStored(string run, string stage, Exception exception);
}
