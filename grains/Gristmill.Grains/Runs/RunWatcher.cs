using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Gristmill.Grains.Runs;

/// <summary>
/// One watcher of a run. It gets each change as an event of its own while it keeps up; once too many wait, it is behind, and
/// gets pages of stages until it has caught up. Only for use on the run's scheduler.
/// </summary>
internal sealed class RunWatcher
{
    private const int Backlog = 16;

    /// <summary>
    /// After a change has been told, those of the next moments are told together: too short to be seen, and a message for each would cost a
    /// chain of short stages as much as the stages do.
    /// </summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(20);

    /// <summary>Bytes of an event without stages, and some to spare.</summary>
    private const int PauseSize = 256;

    private readonly Queue<RunEvent> _changes = new();
    private readonly Dictionary<string, StageView> _behind = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();
    private readonly RunEvent _first;
    private readonly TaskCompletionSource _ended = NewSource();
    private TaskCompletionSource _news = NewSource();
    private long _told;
    private RunEvent _newest;
    private RunEvent? _last;
    private bool _aborted;

    /// <summary>Starts a watch.</summary>
    /// <param name="first">The first event.</param>
    /// <param name="stages">Stages to be told of next: those of a run whose view does not hold them all.</param>
    public RunWatcher(RunEvent first, IReadOnlyList<StageView> stages)
    {
        _first = _newest = first;
        foreach (var stage in stages)
        {
            Delay(stage);
        }
    }

    public void Add(RunEvent change)
    {
        _newest = change;
        if (_behind.Count == 0 && _changes.Count < Backlog)
        {
            _changes.Enqueue(change);
        }
        else
        {
            foreach (var waiting in _changes)
            {
                Delay(waiting.Stage);
            }

            _changes.Clear();
            Delay(change.Stage);
            if (_behind.Count == 0)
            {
                // Pauses alone: the newest of them says all. Otherwise the pages of stages say it.
                _changes.Enqueue(change);
            }
        }

        _news.TrySetResult();
    }

    public void End(RunEvent last)
    {
        _last = last;
        _news.TrySetResult();
        _ended.TrySetResult();
    }

    /// <summary>Ends the watch without an end of the run: its reader watches again.</summary>
    public void Abort()
    {
        _aborted = true;
        _news.TrySetResult();
        _ended.TrySetResult();
    }

    /// <summary>What there is to tell, until the run ends.</summary>
    /// <exception cref="EnumerationAbortedException"><see cref="Abort"/> was called.</exception>
    public async IAsyncEnumerable<RunEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return _first;
        // Events that are there at once go in one message; an unfinished await ends it.
        await Task.Yield();
        var bytes = 0;
        while (true)
        {
            if (_aborted)
            {
                throw new EnumerationAbortedException("This activation of the run goes; the next one tells of it.");
            }

            while (TryNext(out var change, out var size))
            {
                if (bytes > 0 && bytes + size > StageSelection.MaxBytes)
                {
                    await Task.Yield();
                    bytes = 0;
                }

                bytes += size;
                yield return change;
            }

            if (_last is { } last)
            {
                await Task.Yield();
                yield return last;
                yield break;
            }

            await _news.Task.WaitAsync(cancellationToken);
            // The system's time: it is about messages, whatever clock the run goes by.
            if (_told > 0 && Gathering - Stopwatch.GetElapsedTime(_told) is { Ticks: > 0 } rest)
            {
                await Task.WhenAny(_ended.Task, Task.Delay(rest, cancellationToken));
            }

            _news = NewSource();
            _told = Stopwatch.GetTimestamp();
            bytes = 0;
        }
    }

    private bool TryNext(out RunEvent change, out int size)
    {
        size = 0;
        if (_behind.Count > 0)
        {
            change = Page(out size);
            return true;
        }

        if (!_changes.TryDequeue(out change!))
        {
            return false;
        }

        size = change.Stage is { } stage ? StageViewSize.Of(stage) : PauseSize;
        return true;
    }

    private RunEvent Page(out int bytes)
    {
        var stages = ImmutableArray.CreateBuilder<StageView>();
        bytes = 0;
        while (_order.TryPeek(out var name))
        {
            var stage = _behind[name];
            var size = StageViewSize.Of(stage);
            if (bytes + size > StageSelection.MaxBytes && stages.Count > 0)
            {
                break;
            }

            bytes += size;
            stages.Add(stage);
            _behind.Remove(_order.Dequeue());
        }

        return new RunEvent { Sequence = _newest.Sequence, Stages = stages.ToImmutable(), Status = _newest.Status, Counts = _newest.Counts, Paused = _newest.Paused };
    }

    private void Delay(StageView? stage)
    {
        if (stage is null)
        {
            return;
        }

        if (!_behind.ContainsKey(stage.Name))
        {
            _order.Enqueue(stage.Name);
        }

        _behind[stage.Name] = stage;
    }

    // Whoever publishes goes on before the watcher does.
    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
