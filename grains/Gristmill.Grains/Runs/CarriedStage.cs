using Gristmill.Grains.Clocks;
using Gristmill.Grains.State;

namespace Gristmill.Grains.Runs;

/// <summary>
/// A stage that its run executes itself, because nothing else of the run is to be done meanwhile: the next of a chain. It saves the
/// activation of the stage's grain and the messages to it, and its end and the start of the stage after it are stored with one flush.
/// Only the first attempt is carried, and only where it succeeds: for all else its grain takes it over.
/// </summary>
internal sealed class CarriedStage(TimeProvider time, int node, StageOrigin origin, GrainId grain, StageState running) : IDisposable
{
    /// <summary>The name of the state of a stage's grain.</summary>
    public const string StateName = "stage";

    private readonly StageAttempt _attempt = new(time);
    private volatile bool _executing;
    private volatile bool _cancelled;
    private volatile bool _paused;
    private bool _disposed;

    /// <summary>Its place in the run's graph.</summary>
    public int Node { get; } = node;

    public StageOrigin Origin { get; } = origin;

    /// <summary>The stage's grain, whose state this is.</summary>
    public GrainId Grain { get; } = grain;

    /// <summary>The state that says that it runs.</summary>
    public StageState Running { get; } = running;

    /// <summary>What is stored, or being stored, with its ETag.</summary>
    public GrainState<StageState> Stored { get; } = new() { State = running };

    public bool IsExecuting => _executing;

    /// <summary>Whether it was asked to end, maybe before its execution began.</summary>
    public bool IsCancelled => _cancelled;

    /// <summary>Whether no other stage is to start with its end.</summary>
    public bool HasToStop => _cancelled || _paused;

    public void Pause() => _paused = true;

    /// <summary>Ends it, in its run's turn.</summary>
    public void Cancel()
    {
        _cancelled = true;
        if (!_disposed)
        {
            _attempt.Cancel();
        }
    }

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
        _executing = true;
        return execution.RunAsync(Origin, Running, _attempt, turns, report);
    }

    /// <summary>Stores its end, with the start of the one that follows.</summary>
    /// <param name="outcome">What came of <see cref="BeginAsync"/>.</param>
    /// <param name="execution">Keeps what it printed.</param>
    /// <param name="states">Stores states.</param>
    /// <param name="following">Makes the stage to start with this one's end, or none; called on any thread.</param>
    /// <param name="isLeaving">Whether nothing more is to be stored.</param>
    public async Task<CarriedOutcome> EndAsync(
        StageOutcome outcome, StageExecution execution, OrderedStates states, Task<FollowingStage?> following, Func<bool> isLeaving)
    {
        _executing = false;
        var log = isLeaving() ? null : await execution.KeepLogAsync(Origin, Running.Attempt, Running.Operation).ConfigureAwait(false);
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
        return outcome.Result is null || isLeaving() ? ended : await StoreAsync(ended, states, await following.ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>Stores how it ended, with the start of the one that follows.</summary>
    public async Task<CarriedOutcome> StoreAsync(CarriedOutcome ended, OrderedStates states, FollowingStage? following)
    {
        try
        {
            var now = time.GetUtcNow(ended.State.Started);
            ended = ended with { State = ended.State with { Ended = now } };
            Stored.State = ended.State;
            var next = following?.Invoke(ended.State, now);
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

/// <summary>Makes the stage that is to start with the end of another.</summary>
/// <param name="end">How the other one ended.</param>
/// <param name="now">When.</param>
/// <returns>The stage, or null: what follows is for the run to decide.</returns>
internal delegate CarriedStage? FollowingStage(StageState end, DateTimeOffset now);

/// <summary>How a carried stage ended.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="State">What is stored of it, or to be.</param>
/// <param name="Result">Its result.</param>
/// <param name="Error">Why there is none.</param>
/// <param name="Next">The stage whose start is stored with it.</param>
/// <param name="Refusal">Why nothing is stored.</param>
internal sealed record CarriedOutcome(CarriedStage Stage, StageState State, StageResult? Result, ErrorInfo? Error, CarriedStage? Next = null, Exception? Refusal = null);
