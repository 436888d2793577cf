using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Gristmill.Grains.Runs;

/// <summary>Those who watch a run. A slow one loses events, which the sequence shows, and never holds up the run or its memory.</summary>
internal sealed class RunWatchers
{
    private const int Backlog = 256;

    private readonly HashSet<Channel<RunEvent>> _watchers = [];
    private long _sequence;

    public bool Any => _watchers.Count > 0;

    public void Publish(StageView stage, RunStatus status)
    {
        _sequence++;
        if (_watchers.Count > 0)
        {
            Send(new RunEvent { Sequence = _sequence, Stage = stage, Status = status });
        }
    }

    /// <summary>Sends the whole run; if it is over, that was the last event.</summary>
    public void Publish(RunView run)
    {
        _sequence++;
        Send(new RunEvent { Sequence = _sequence, Run = run, Status = run.Status });
        if (run.Ended is not null)
        {
            foreach (var watcher in _watchers)
            {
                watcher.Writer.TryComplete();
            }

            _watchers.Clear();
        }
    }

    /// <summary>The run as it stands, then events until it is over.</summary>
    public async IAsyncEnumerable<RunEvent> WatchAsync(RunView run, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var first = new RunEvent { Sequence = _sequence, Run = run, Status = run.Status };
        if (run.Ended is not null)
        {
            yield return first;
            yield break;
        }

        // The oldest events go when a watcher falls behind: the last one, with the outcome, always arrives.
        var channel = Channel.CreateBounded<RunEvent>(new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.DropOldest });
        _watchers.Add(channel);
        try
        {
            yield return first;
            await foreach (var change in channel.Reader.ReadAllAsync(cancellationToken))
            {
                yield return change;
            }
        }
        finally
        {
            _watchers.Remove(channel);
        }
    }

    private void Send(RunEvent change)
    {
        foreach (var watcher in _watchers)
        {
            watcher.Writer.TryWrite(change);
        }
    }
}
