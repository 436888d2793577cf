namespace Gristmill.Grains.Runs.Model;

/// <summary>How a stage must end, or may, if others can end it first.</summary>
/// <param name="Status">How.</param>
/// <param name="Measured">What it measures.</param>
/// <param name="MayBeCancelled">Whether others can.</param>
/// <param name="Attempts">Its attempts, on a silo that is not killed; 0: it is not executed.</param>
internal sealed record FlowEnd(StageStatus Status, int Measured, bool MayBeCancelled, int Attempts = 0);

/// <summary>What goes wrong in a stage, execution after execution, before it does what it does.</summary>
/// <param name="Kind">One of <see cref="Kinds"/>.</param>
/// <param name="Times">In how many executions; <see cref="int.MaxValue"/>: in all.</param>
internal readonly record struct FlowTrouble(string Kind, int Times)
{
    public const string Crash = "crash", NoFile = "no file", Argument = "argument", Code = "code";

    public static readonly string[] Kinds = [Crash, NoFile, Argument, Code];

    /// <summary>The error, as an executor words it.</summary>
    public GristmillException Error() => Kind switch
    {
        Crash => new GristmillException(ErrorCodes.WorkerCrashed, "crashed"),
        NoFile => new GristmillException(ErrorCodes.StageFailed, "no file").With("exception", "System.IO.FileNotFoundException").With("exceptionBases", "System.IO.IOException"),
        Argument => new GristmillException(ErrorCodes.StageFailed, "no good").With("exception", "System.ArgumentException"),
        _ => new GristmillException(ErrorCodes.Timeout, "too long"),
    };

    /// <summary>Whether a stage's policy retries it.</summary>
    public bool IsRetried(FlowPolicy policy) => Kind == Crash || (policy.On is { } on
        ? (on, Kind) is ("IOException" or "System.IO.FileNotFoundException", NoFile) or (ErrorCodes.Timeout, Code) or (ErrorCodes.StageFailed, NoFile or Argument)
        : policy.RetriesErrors);
}

/// <summary>
/// What a pipeline comes to, computed in memory, one stage after the other, from what each stage does: the semantics of the
/// documentation in the plainest form.
/// </summary>
internal sealed class FlowModel(Func<string, int> measures, Func<string, FlowTrouble> troubles)
{
    private readonly Dictionary<string, FlowEnd> _ends = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, FlowEnd> Ends => _ends;

    /// <summary>Whether the run fails.</summary>
    public bool Fails { get; private set; }

    public FlowEnd Of(FlowNode node) => _ends[node.Name];

    /// <summary>Adds a stage that is in no loop.</summary>
    public void Add(FlowNode node)
    {
        var end = End(node, [], mayBeCancelled: false);
        _ends[node.Name] = end;
        Fails |= end.Status == StageStatus.Failed && !node.AtExit;
    }

    /// <summary>With the policy to fail fast, what a failed run did not get to is cancelled.</summary>
    public void FailFast(IEnumerable<FlowNode> nodes)
    {
        var spared = nodes.Where(static node => node.AtExit).Select(static node => node.Name).ToHashSet();
        foreach (var (name, end) in _ends.Where(end => Fails && !spared.Contains(end.Key)).ToList())
        {
            _ends[name] = end with { MayBeCancelled = true };
        }
    }

    public static string Name(FlowNode node, IReadOnlyList<int> items) => node.Name + string.Concat(items.Take(node.Loops.Length).Select(static item => $"[{item}]"));

    /// <summary>The end that a node's dependency came to: of the same items, or of the loop that only the dependency is in.</summary>
    private FlowEnd Look(FlowNode node, FlowNode dependency, IReadOnlyList<int> items)
    {
        var shared = node.Loops.TakeWhile((loop, i) => i < dependency.Loops.Length && dependency.Loops[i] == loop).Count();
        return _ends[Name(shared < dependency.Loops.Length ? dependency.Loops[shared] : dependency, items)];
    }

    private FlowEnd End(FlowNode node, IReadOnlyList<int> items, bool mayBeCancelled)
    {
        FlowEnd Ended(StageStatus status, int measured = 0) => new(status, measured, mayBeCancelled);

        if (node.Operation == StageOperations.OneOf)
        {
            var taken = node.Inputs.Select(branch => Look(node, branch, items)).FirstOrDefault(static end => end.Status != StageStatus.Skipped);
            return taken is null ? Ended(StageStatus.Skipped) : Ended(taken.Status == StageStatus.Succeeded ? StageStatus.Succeeded : StageStatus.Cancelled, taken.Measured);
        }

        if (!node.AtExit)
        {
            if (!node.Ignores && node.Dependencies.Any(dependency => Look(node, dependency, items).Status is StageStatus.Failed or StageStatus.Cancelled))
            {
                return Ended(StageStatus.Cancelled);
            }

            if (node.Inputs.Concat(node.List is null ? [] : [node.List]).Any(input => Look(node, input, items).Status == StageStatus.Skipped))
            {
                return Ended(StageStatus.Skipped);
            }
        }

        if (node.When is { } when
            && when.Holds(asked => Look(node, asked, items) is { Status: StageStatus.Succeeded } end ? end.Measured : null) != true)
        {
            return Ended(StageStatus.Skipped);
        }

        if (node.IsLoop)
        {
            return Loop(node, items, mayBeCancelled);
        }

        return Execute(node, Name(node, items), mayBeCancelled);
    }

    private FlowEnd Execute(FlowNode node, string name, bool mayBeCancelled)
    {
        var trouble = troubles(name);
        return trouble.Times == 0 ? new FlowEnd(StageStatus.Succeeded, measures(name), mayBeCancelled, 1)
            : !trouble.IsRetried(node.Policy) ? new FlowEnd(StageStatus.Failed, 0, mayBeCancelled, 1)
            : trouble.Times < node.Policy.Limit ? new FlowEnd(StageStatus.Succeeded, measures(name), mayBeCancelled, trouble.Times + 1)
            : new FlowEnd(StageStatus.Failed, 0, mayBeCancelled, node.Policy.Limit);
    }

    private FlowEnd Loop(FlowNode loop, IReadOnlyList<int> items, bool mayBeCancelled)
    {
        var failed = 0;
        var inside = new List<string>();
        for (var item = 0; item < loop.Items; item++)
        {
            int[] here = [.. items, item];
            var fails = false;
            foreach (var node in loop.Body)
            {
                var before = _ends.Keys.ToHashSet();
                var end = End(node, here, mayBeCancelled);
                _ends[Name(node, here)] = end;
                inside.AddRange(_ends.Keys.Where(name => !before.Contains(name)));
                fails |= end.Status is StageStatus.Failed or StageStatus.Cancelled;
            }

            failed += fails ? 1 : 0;
        }

        if (failed <= (int)Math.Floor((loop.Allow * loop.Items) + 1e-9))
        {
            return new FlowEnd(StageStatus.Succeeded, loop.Items, mayBeCancelled);
        }

        // The failures that were too many end what has not started.
        inside.ForEach(name => _ends[name] = _ends[name] with { MayBeCancelled = true });
        return new FlowEnd(StageStatus.Failed, 0, mayBeCancelled);
    }
}
