using Gristmill.Grains.State;

namespace Gristmill.Grains.Runs;

/// <summary>
/// Goes from one carried stage to the next outside of its run's turns: a stage starts as soon as its start is stored, and the run learns
/// of it while it is executed.
/// </summary>
/// <param name="first">The first stage.</param>
/// <param name="execution">Executes stages.</param>
/// <param name="states">Stores them.</param>
/// <param name="turns">The run's turns.</param>
/// <param name="report">Takes a stage's progress, in a turn.</param>
/// <param name="goOn">Takes a stage's end and the start of the next, in a turn; returns what may follow that one.</param>
/// <param name="isLeaving">Whether nothing more is to be stored.</param>
internal sealed class CarriedChain(
    CarriedStage first,
    StageExecution execution,
    OrderedStates states,
    TaskScheduler turns,
    Action<CarriedStage, StageProgress> report,
    Func<CarriedOutcome, FollowingStage?> goOn,
    Func<bool> isLeaving)
{
    private volatile CarriedStage _current = first;

    /// <summary>The stage that is started or executed, or whose end is being stored; the run may not know of it yet.</summary>
    public CarriedStage Current => _current;

    /// <summary>Executes a stage and those that follow it.</summary>
    /// <param name="stage">The next, which is stored as running.</param>
    /// <param name="following">What may follow it.</param>
    /// <returns>How the last one ended, or that its end could not be stored: what comes then is the run's to decide.</returns>
    public async Task<CarriedOutcome> RunAsync(CarriedStage stage, FollowingStage? following)
    {
        var next = Task.FromResult(following);
        while (true)
        {
            var current = _current = stage;
            var ended = await current.ExecuteAsync(execution, states, turns, Report, next, isLeaving).ConfigureAwait(false);
            if (ended.Next is null)
            {
                return ended;
            }

            await execution.CommittedAsync(current.Origin, ended.Result!, ended.State.Cache).ConfigureAwait(false);
            stage = ended.Next;
            next = Task.Factory.StartNew(() => goOn(ended), CancellationToken.None, TaskCreationOptions.None, turns);

            Task Report(StageProgress progress)
            {
                report(current, progress);
                return Task.CompletedTask;
            }
        }
    }
}
