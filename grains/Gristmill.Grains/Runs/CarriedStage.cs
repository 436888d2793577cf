using Gristmill.Grains.Clocks;
using Gristmill.Grains.State;

namespace Gristmill.Grains.Runs;

/// <summary>
/// A stage that its run executes itself, because nothing else of the run is to be done meanwhile: the next of a chain. It saves the
/// activation of the stage's grain and the messages to it, and its end and the start of the stage after it are stored with one flush.
/// Only the first attempt is carried, and only where it succeeds: for all else its grain takes it over.
/// </summary>
internal sealed class CarriedStage : IDisposable
{
    /// <summary>The name of the state of a stage's grain.</summary>
    public const string StateName = "stage";

    private readonly TimeProvider _time;
    private readonly StageAttempt _attempt;
    private volatile bool _cancelled;
    private bool _disposed;

    /// <param name="time">The run's time.</param>
    /// <param name="link">Its place in a chain.</param>
    /// <param name="start">What is to be executed.</param>
    /// <param name="now">When it starts.</param>
    public CarriedStage(TimeProvider time, ChainLink link, StageStart start, DateTimeOffset now)
    {
        _time = time;
        _attempt = new StageAttempt(time);
        Link = link;
        Running = new StageState
        {
            Start = start,
            Operation = start.Spec.Operation,
            Status = StageStatus.Running,
            Carried = true,
            Attempt = 1,
            Epoch = 1,
            Started = now,
        };
        Stored = new GrainState<StageState> { State = Running };
    }

    /// <summary>Its place in the chain.</summary>
    public ChainLink Link { get; }

    /// <summary>Its place in the run's graph.</summary>
    public int Node => Link.Node;

    public StageOrigin Origin => Link.Origin;

    /// <summary>The stage's grain, whose state this is.</summary>
    public GrainId Grain => Link.Grain;

    /// <summary>The state that says that it runs.</summary>
    public StageState Running { get; }

    /// <summary>What is stored, or being stored, with its ETag.</summary>
    public GrainState<StageState> Stored { get; }

    /// <summary>Whether it was asked to end, maybe before its execution began.</summary>
    public bool IsCancelled => _cancelled;

    /// <summary>Ends it: in its run's turn, or where its chain begins it.</summary>
    public void Cancel()
    {
        _cancelled = true;
        if (!_disposed)
        {
            _attempt.Cancel();
        }
    }

    /// <summary>The stage that starts with the end of this one.</summary>
    public CarriedStage Then(ChainLink next, StageStart start, DateTimeOffset now) => new(_time, next, start, now);

    /// <summary>Starts to execute it.</summary>
    /// <remarks>
    /// Nothing from here to its end needs a grain's turn: to wait for one, and for a thread to have it, would take a chain a good part of the time that
    /// a flush takes.
    /// </remarks>
    /// <param name="execution">Executes it.</param>
    /// <param name="turns">The run's turns.</param>
    /// <param name="report">Takes progress, in the run's turns.</param>
    public Task<StageOutcome> BeginAsync(StageExecution execution, TaskScheduler turns, Func<StageProgress, Task> report)
    {
        return execution.RunAsync(Origin, Running, _attempt, turns, report);
    }

    /// <summary>Stores its end, with the start of the one that follows.</summary>
    /// <param name="outcome">What came of <see cref="BeginAsync"/>.</param>
    /// <param name="execution">Keeps what it printed.</param>
    /// <param name="states">Stores states.</param>
    /// <param name="chain">Has the stage to start with this one's end, or none.</param>
    /// <param name="run">Knows whether anything is to be stored.</param>
    public async Task<CarriedOutcome> EndAsync(StageOutcome outcome, StageExecution execution, OrderedStates states, CarriedChain chain, CarriedChain.IRun run)
    {
        if (run.IsLeaving)
        {
            return await InterruptAsync(states).ConfigureAwait(false);
        }

        var log = await execution.KeepLogAsync(Origin, Running.Attempt, Running.Operation).ConfigureAwait(false);
        var ended = new CarriedOutcome(
            this,
            Running with
            {
                Status = StageStatus.Succeeded,
                Start = null,
                Carried = false,
                Outputs = outcome.Result?.Outputs ?? Running.Outputs,
                Usage = outcome.Result?.Usage,
                Cache = outcome.Cache,
                Logs = log is null ? [] : [log],
            },
            outcome.Result,
            outcome.Error);
        return outcome.Result is null ? ended : await StoreAsync(ended, states, chain).ConfigureAwait(false);
    }

    /// <summary>Stores that its attempt was interrupted: that is not the stage's fault, and does not count against its limit.</summary>
    public async Task<CarriedOutcome> InterruptAsync(OrderedStates states)
    {
        var interrupted = new CarriedOutcome(this, Running with { Interruptions = Running.Interruptions + 1 }, null, null);
        try
        {
            Stored.State = interrupted.State;
            await states.WriteAsync(StateName, Grain, Stored).ConfigureAwait(false);
            return interrupted;
        }
        catch (Exception e)
        {
            return interrupted with { Refusal = e };
        }
    }

    /// <summary>Stores how it ended, with the start of the one that follows.</summary>
    public async Task<CarriedOutcome> StoreAsync(CarriedOutcome ended, OrderedStates states, CarriedChain chain)
    {
        try
        {
            var now = _time.GetUtcNow(ended.State.Started);
            ended = ended with { State = ended.State with { Ended = now } };
            Stored.State = ended.State;
            var next = chain.Follow(this, ended.State, now);
            await (next is null
                ? states.WriteAsync(StateName, Grain, Stored)
                : states.WriteAsync(StateName, Grain, Stored, next.Grain, next.Stored)).ConfigureAwait(false);
            return ended with { Next = next, Refusal = null };
        }
        catch (Exception e)
        {
            return ended with { Refusal = e };
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _attempt.Dispose();
    }
}

/// <summary>How a carried stage ended.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="State">What is stored of it, or to be.</param>
/// <param name="Result">Its result.</param>
/// <param name="Error">Why there is none.</param>
/// <param name="Next">The stage whose start is stored with it.</param>
/// <param name="Refusal">Why nothing is stored.</param>
internal sealed record CarriedOutcome(CarriedStage Stage, StageState State, StageResult? Result, ErrorInfo? Error, CarriedStage? Next = null, Exception? Refusal = null);
