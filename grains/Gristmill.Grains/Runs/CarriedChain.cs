using System.Diagnostics;
using Gristmill.Grains.State;

namespace Gristmill.Grains.Runs;

/// <summary>
/// Goes from one carried stage to the next outside of its run's turns, and many stages ahead of them: a stage starts as soon as its start is
/// stored, and the run takes in what has happened when it next has a turn for it.
/// </summary>
/// <param name="run">Whose chain it is.</param>
/// <param name="decide">Decides whether a stage is to be executed by the chain, and how; called on any thread.</param>
/// <param name="first">The first stage.</param>
/// <param name="execution">Executes stages.</param>
/// <param name="states">Stores them.</param>
/// <param name="turns">The run's turns.</param>
internal sealed class CarriedChain(
    CarriedChain.IRun run, CarriedChain.Decision decide, CarriedStage first, StageExecution execution, OrderedStates states, TaskScheduler turns)
{
    /// <summary>
    /// After the run has had a turn for a chain, it has the next one for all that happens in a while too short to be seen: a turn for each stage would
    /// wake two threads for it, which takes a small machine as long as to execute a short stage.
    /// </summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(10);

    /// <summary>Stages that the chain is laid out for; once it is half through them, it is for more.</summary>
    private const int Ahead = 64;

    /// <summary>How long an activation that goes waits for it; what ignores its cancellation is left behind sooner.</summary>
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(5);

    private readonly object _lock = new();
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What the run does not know of yet, in its order; and the same by node.</summary>
    private readonly List<CarriedOutcome> _news = [];
    private readonly Dictionary<int, StageView> _ended = [];

    /// <summary>The stage that is started or executed, or whose end is being stored; the run may not know of it yet.</summary>
    private volatile CarriedStage _current = first;
    private volatile bool _cancelled;
    private volatile bool _paused;

    // The place of the stage that the run knows to be running, and the last one that is laid out; for its turns alone.
    private ChainLink _known = first.Link;
    private ChainLink _tail = first.Link;
    private long _toldAt;

    /// <summary>Decides whether a stage is to be executed by the chain, and how; null: no.</summary>
    /// <param name="node">The stage.</param>
    /// <param name="ended">How nodes stand that the run's graph does not know of yet; null: as the graph says.</param>
    internal delegate StageStart? Decision(int node, Func<int, StageView?> ended);

    /// <summary>What a chain needs of its run.</summary>
    internal interface IRun
    {
        /// <summary>Whether nothing more is to be stored; asked on any thread.</summary>
        bool IsLeaving { get; }

        /// <summary>Takes in a stage's end and the start of the next, in a turn.</summary>
        void TakeIn(CarriedOutcome ended);

        /// <summary>The stages that may follow one that runs, each the only one to do after the one before; asked in a turn.</summary>
        IEnumerable<int> After(int node);

        /// <summary>The stage at a node, and its grain; asked in a turn.</summary>
        (StageOrigin Origin, GrainId Grain) Name(int node);

        /// <summary>Takes a stage's progress, in a turn.</summary>
        void Report(CarriedStage stage, StageProgress progress);

        /// <summary>A turn met what was not foreseen.</summary>
        void StepDown(Exception exception);
    }

    /// <summary>Ends the current stage; none is started after it. In a turn.</summary>
    public void Cancel()
    {
        _cancelled = true;
        // Either the current stage is seen here, or whoever made another one the current one sees that it is to be cancelled.
        Interlocked.MemoryBarrier();
        _current.Cancel();
    }

    /// <summary>
    /// Interrupts it, in a turn of an activation that goes: once this returns nothing more is stored, so that the next activation finds the stages as they stay.
    /// </summary>
    public async Task LeaveAsync()
    {
        _current.Cancel();
        await Task.WhenAny(_over.Task, Task.Delay(LeaveLimit));
    }

    /// <summary>No stage is started after the current one.</summary>
    public void Pause() => _paused = true;

    /// <summary>Executes a stage and those that follow it.</summary>
    /// <param name="stage">The next, which is stored as running.</param>
    /// <returns>How the last one ended, or that its end could not be stored: what comes then is the run's to decide. The run knows of all before it.</returns>
    public async Task<CarriedOutcome> RunAsync(CarriedStage stage)
    {
        CarriedOutcome? before = null;
        while (true)
        {
            var current = _current = stage;
            Interlocked.MemoryBarrier();
            if (_cancelled)
            {
                current.Cancel();
            }

            if (run.IsLeaving)
            {
                return await current.InterruptAsync(states).ConfigureAwait(false);
            }

            var isNews = before is not null && Add(before);
            var attempt = current.BeginAsync(execution, turns, Report);
            if (isNews)
            {
                // Only now that its worker has it: to wake a thread for the run's turn takes as long as the worker's whole answer.
                Wake();
            }

            var ended = await EndAsync(current, await attempt.ConfigureAwait(false)).ConfigureAwait(false);
            if (ended.Next is null)
            {
                return ended;
            }

            await execution.CommittedAsync(current.Origin, ended.Result!, ended.State.Cache).ConfigureAwait(false);
            (stage, before) = (ended.Next, ended);

            Task Report(StageProgress progress)
            {
                // What comes before it, so that it is known to run.
                TakeIn();
                run.Report(current, progress);
                return Task.CompletedTask;
            }
        }
    }

    /// <summary>Makes the stage that is to start with the end of another; null: what follows is for the run to decide. On any thread.</summary>
    /// <param name="stage">The other one.</param>
    /// <param name="end">How it ended.</param>
    /// <param name="now">When.</param>
    public CarriedStage? Follow(CarriedStage stage, StageState end, DateTimeOffset now)
    {
        if (_cancelled || _paused || stage.Link.Next is not { } next)
        {
            return null;
        }

        var view = end.View(stage.Origin.Stage);
        return decide(next.Node, node => node == stage.Node ? view : Ended(node)) is { } start ? stage.Then(next, start, now) : null;
    }

    /// <summary>Lets the run take in what has happened, in a turn: who asks the run sees all that is stored.</summary>
    public void TakeIn()
    {
        CarriedOutcome[] news;
        if (_over.Task.IsCompleted)
        {
            return;
        }

        lock (_lock)
        {
            news = [.. _news];
        }

        Volatile.Write(ref _toldAt, Stopwatch.GetTimestamp());
        try
        {
            Array.ForEach(news, TakeIn);
            LayOut();
        }
        catch (Exception e)
        {
            run.StepDown(e);
        }

        lock (_lock)
        {
            // Only now that the graph has them: they are looked for in one of the two.
            _news.RemoveRange(0, news.Length);
            Array.ForEach(news, ended => _ended.Remove(ended.Stage.Node));
            if (_news.Count == 0)
            {
                return;
            }
        }

        Wake();
    }

    /// <summary>Lets the run take in an end that it has brought about itself, in a turn; it knows of all before.</summary>
    public void TakeIn(CarriedOutcome ended)
    {
        run.TakeIn(ended);
        _known = ended.Next!.Link;
        ended.Stage.Dispose();
    }

    /// <summary>The run asks for nothing of it any more; in a turn.</summary>
    public void End() => _over.TrySetResult();

    private async Task<CarriedOutcome> EndAsync(CarriedStage stage, StageOutcome outcome)
    {
        if (!stage.Link.IsKnown)
        {
            // The run is behind by all that it has laid out.
            await TurnAsync().ConfigureAwait(false);
        }

        return await stage.EndAsync(outcome, execution, states, this, run).ConfigureAwait(false);
    }

    /// <summary>Lays out the places behind that of the stage that the run knows to be running.</summary>
    private void LayOut()
    {
        if (_tail.IsKnown || _tail.Index - _known.Index > Ahead / 2)
        {
            return;
        }

        var last = _known;
        foreach (var node in run.After(last.Node).Take(Ahead))
        {
            if (last.Next is null)
            {
                var (origin, grain) = run.Name(node);
                _tail = last.Add(node, origin, grain);
            }

            last = last.Next!;
        }

        if (_tail.Index - _known.Index < Ahead)
        {
            _tail.End();
        }
    }

    /// <summary>Adds what the run does not know of yet; returns whether nobody is on the way to have it take that in.</summary>
    private bool Add(CarriedOutcome ended)
    {
        lock (_lock)
        {
            _news.Add(ended);
            _ended.Add(ended.Stage.Node, ended.State.View(ended.Stage.Origin.Stage));
            return _news.Count == 1;
        }
    }

    /// <summary>Has the run take in what there is: now if it has not for a while, else once that is over.</summary>
    private void Wake()
    {
        var told = Volatile.Read(ref _toldAt);
        var rest = told == 0 ? TimeSpan.Zero : Gathering - Stopwatch.GetElapsedTime(told);
        if (rest <= TimeSpan.Zero)
        {
            _ = TurnAsync();
            return;
        }

        // The system's time: it is about turns, whatever clock the run goes by.
        _ = Task.Delay(rest).ContinueWith(static (_, chain) => ((CarriedChain)chain!).TakeIn(), this, CancellationToken.None, TaskContinuationOptions.None, turns);
    }

    private Task TurnAsync() => Task.Factory.StartNew(TakeIn, CancellationToken.None, TaskCreationOptions.None, turns);

    private StageView? Ended(int node)
    {
        lock (_lock)
        {
            return _ended.GetValueOrDefault(node);
        }
    }
}
