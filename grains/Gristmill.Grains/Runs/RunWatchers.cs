using System.Runtime.CompilerServices;

namespace Gristmill.Grains.Runs;

/// <summary>
/// Those who watch a run. A slow one is told of several changes at once, and of the newest state of each stage only: it never
/// holds up the run, and takes no more memory than the run has stages.
/// </summary>
internal sealed class RunWatchers
{
    private readonly HashSet<RunWatcher> _watchers = [];
    private long _sequence;
    private bool _aborted;

    public bool Any => _watchers.Count > 0;

    /// <summary>Tells of a change.</summary>
    /// <param name="stage">The stage that changed; null: the run was paused or goes on.</param>
    /// <param name="status">The run's status after it.</param>
    /// <param name="counts">Its stages by status after it.</param>
    /// <param name="paused">Whether it is paused after it.</param>
    public void Publish(StageView? stage, RunStatus status, StageCounts counts, bool paused)
    {
        _sequence++;
        if (_watchers.Count == 0)
        {
            return;
        }

        var change = new RunEvent { Sequence = _sequence, Stage = stage, Status = status, Counts = counts, Paused = paused };
        foreach (var watcher in _watchers)
        {
            watcher.Add(change);
        }
    }

    /// <summary>Sends the run as it ended: the last event.</summary>
    public void End(RunView run)
    {
        _sequence++;
        foreach (var watcher in _watchers)
        {
            watcher.End(Event(run));
        }

        _watchers.Clear();
    }

    /// <summary>
    /// Ends all watches without an end of the run. An activation that goes would else wait for the requests that its watchers have pending, up to a
    /// quarter of a minute, and the run with it.
    /// </summary>
    public void Abort()
    {
        _aborted = true;
        foreach (var watcher in _watchers)
        {
            watcher.Abort();
        }
    }

    /// <summary>The run as it stands, then the stages that the view leaves out, then changes until it is over.</summary>
    /// <param name="run">The run.</param>
    /// <param name="stages">All of its stages.</param>
    /// <param name="cancellationToken">Ends the watching.</param>
    /// <exception cref="EnumerationAbortedException">The activation goes: watch again.</exception>
    public async IAsyncEnumerable<RunEvent> WatchAsync(
        RunView run, IReadOnlyList<StageView> stages, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (run.Ended is not null)
        {
            yield return Event(run);
            yield break;
        }

        var watcher = new RunWatcher(Event(run), run.IsWhole ? [] : stages);
        _watchers.Add(watcher);
        if (_aborted)
        {
            watcher.Abort();
        }

        try
        {
            await foreach (var change in watcher.ReadAsync(cancellationToken))
            {
                yield return change;
            }
        }
        finally
        {
            _watchers.Remove(watcher);
        }
    }

    private RunEvent Event(RunView run) => new() { Sequence = _sequence, Run = run, Status = run.Status, Counts = run.Counts, Paused = run.Paused };
}
