using Gristmill.Grains.Clocks;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace Gristmill.Grains.Runs;

// Stages that the run executes itself.
internal sealed partial class RunGrain
{
    private const int CommitTries = 6;

    /// <summary>The stages that this activation executes, one at a time; while it does, nothing else of the run is executed.</summary>
    private CarriedChain? _chain;

    /// <summary>Whether no stage can have a state that this activation does not know of: it has begun the run.</summary>
    private bool _knowsAll;
    private volatile bool _leaving;

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _leaving = true;
        if (_chain?.Current is not { IsExecuting: true } stage)
        {
            // What is being stored is the stage's end: if that arrives it holds, else the stage is as lost as with a silo that was killed.
            return;
        }

        stage.Cancel();
        try
        {
            // Not the stage's fault: this attempt does not count against its limit.
            var interrupted = stage.Running with { Interruptions = stage.Running.Interruptions + 1 };
            await states.WriteAsync(CarriedStage.StateName, stage.Grain, new GrainState<StageState> { State = interrupted, ETag = stage.Stored.ETag, RecordExists = true });
        }
        catch (Exception e)
        {
            LogInterruptionNotStored(Id, stage.Origin.Stage, e);
        }
    }

    /// <summary>Whether the run may execute a stage itself. What requires resources goes where they are.</summary>
    private bool MayCarry(StageStart start) => _knowsAll && !_leaving && start.Spec.Resources is not { Count: > 0 };

    private CarriedStage Carry(int i, StageStart start, DateTimeOffset now)
    {
        var (origin, grain) = Name(i);
        return new CarriedStage(time, i, origin, grain, Begin(start, now));
    }

    private (StageOrigin Origin, GrainId Grain) Name(int i) => (new StageOrigin(Id, _graph!.Views[i].Name), Stage(i).GetGrainId());

    private static StageState Begin(StageStart start, DateTimeOffset now) => new()
    {
        Start = start,
        Operation = start.Spec.Operation,
        Status = StageStatus.Running,
        Carried = true,
        Attempt = 1,
        Epoch = 1,
        Started = now,
    };

    /// <summary>Executes a stage and those that follow it, as long as each is the only one to do.</summary>
    private async Task CarryAsync(CarriedStage first)
    {
        var chain = _chain = new CarriedChain(first, execution, states, TaskScheduler.Current, Report, GoOn, () => _leaving);
        try
        {
            await Retry.TransientAsync(() => states.WriteAsync(CarriedStage.StateName, first.Grain, first.Stored), time);
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            Leave();
            LogStageNotStarted(Id, first.Origin.Stage, e);
            Take(first.Node, _graph!.Views[first.Node] with { Status = StageStatus.Failed, Error = GristmillException.Describe(e), Ended = time.GetUtcNow(_graph.Views[first.Node].Started) });
            Advance();
            return;
        }

        for (var stage = first; stage is not null && !_leaving;)
        {
            stage = await EndAsync(await chain.RunAsync(stage, Following(stage)));
        }

        Leave();
        Advance();

        // The grain that a failed stage was handed to may have told its end meanwhile, and the run may carry another one by now.
        void Leave() => _chain = _chain == chain ? null : _chain;

        void Report(CarriedStage stage, StageProgress progress) => Take(stage.Node, _graph!.Views[stage.Node] with { Progress = progress });
    }

    /// <summary>Takes a stage's end and the start of the next, which are stored.</summary>
    /// <returns>What may follow that one.</returns>
    private FollowingStage? GoOn(CarriedOutcome ended)
    {
        var (stage, next) = (ended.Stage, ended.Next!);
        try
        {
            Take(stage.Node, ended.State.View(stage.Origin.Stage));
            Take(next.Node, next.Running.View(next.Origin.Stage));
            if (stage.IsCancelled)
            {
                next.Cancel();
            }

            stage.Dispose();
            return Following(next);
        }
        catch (Exception e)
        {
            StepDown(e);
            return null;
        }
    }

    /// <summary>Does what follows from the end of a stage that is the last of its chain, or could not be stored.</summary>
    /// <returns>A stage that goes on all the same, and is stored as running with that end, or null.</returns>
    private async Task<CarriedStage?> EndAsync(CarriedOutcome ended)
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
            ended = await stage.StoreAsync(ended, states, Following(stage));
        }

        if (_leaving)
        {
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
            GoOn(ended);
            return next;
        }

        Take(stage.Node, ended.State.View(stage.Origin.Stage));
        return null;
    }

    /// <summary>
    /// What makes the stage to carry after one that has ended, if that is to be executed; null if more than one stage would follow, or none.
    /// It is called outside of the grain's turns, and only reads what does not change while a stage is carried.
    /// </summary>
    private FollowingStage? Following(CarriedStage stage)
    {
        if (IsHeld)
        {
            stage.Cancel();
        }

        if (IsHeld || Paused || Stopping is not null || _graph!.OnlySuccessor(stage.Node) is not { } i)
        {
            return null;
        }

        var (graph, definition, code, exit) = (_graph, _definition.Value, _spec!.Code, _outcome.Value.Exit);
        var (origin, grain) = Name(i);
        return (end, now) => !stage.HasToStop
            && StageDecision.Of(i, graph, definition, code, stopping: null, exit, (stage.Node, end.View(stage.Origin.Stage))).Start is { } start && MayCarry(start)
                ? new CarriedStage(time, i, origin, grain, Begin(start, now))
                : null;
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
