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
        CarriedOutcome? before = null;
        while (true)
        {
            var current = _current = stage;
            var told = Task.CompletedTask;
            var attempt = current.BeginAsync(execution, turns, Report);
            // Only now that its worker has it: to wake a thread for the run's turn takes as long as the worker's whole answer.
            var next = before is null ? Task.FromResult(following) : Task.Factory.StartNew(() => goOn(before), CancellationToken.None, TaskCreationOptions.None, turns);
            told = next;
            var ended = await current.EndAsync(await attempt.ConfigureAwait(false), execution, states, next, isLeaving).ConfigureAwait(false);
            if (ended.Next is null)
            {
                return ended;
            }

            await execution.CommittedAsync(current.Origin, ended.Result!, ended.State.Cache).ConfigureAwait(false);
            (stage, before) = (ended.Next, ended);

            Task Report(StageProgress progress)
            {
                // Before the run knows that the stage runs there is nothing to add it to.
                if (told.IsCompleted)
                {
                    report(current, progress);
                }

                return Task.CompletedTask;
            }
        }
    }
}
