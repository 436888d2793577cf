using System.Collections.Immutable;
using System.Globalization;

namespace Gristmill.Grains.Runs;

/// <summary>
/// A run's stages and what each waits for. A stage becomes ready when the count of stages it waits for reaches zero, so
/// a run of n stages and e edges costs n + e steps in all. A loop's items become nodes when its list is known: that is a
/// pure function of committed results, so an activation that recovers a run finds the same nodes again.
/// </summary>
/// <remarks>A node of a loop is called "train[2]", in a loop within a loop "train[2][0]". Nodes are only ever added at the end.</remarks>
internal sealed class RunGraph
{
    private const int MaxNodes = 200_000;
    private const int MaxShown = 64;

    private readonly OrderedDictionary<string, StageTemplate> _templates;
    private readonly Dictionary<string, int> _index;
    private readonly List<Node> _nodes;
    private readonly List<StageView> _views;
    private readonly Queue<int> _ready = new();
    private readonly Queue<int> _changed = new();
    private readonly int[] _counts = new int[Enum.GetValues<StageStatus>().Length];

    public RunGraph(PipelineSpec spec)
    {
        _templates = StageTemplate.Of(spec);
        _nodes = new List<Node>(_templates.Count);
        _views = new List<StageView>(_templates.Count);
        _index = new Dictionary<string, int>(_templates.Count, StringComparer.Ordinal);
        foreach (var template in _templates.Values.Where(static template => template.Loops.IsEmpty))
        {
            // What runs at the exit waits for everything else.
            Add(template, [], parent: -1, item: 0, gates: template.Spec.OnExit ? 1 : 0);
        }
    }

    /// <summary>The nodes; those of loops' items come after all others.</summary>
    public IReadOnlyList<StageView> Views => _views;

    /// <summary>Nodes that are not over, without those that run at the exit.</summary>
    public int Unfinished { get; private set; }

    /// <summary>Nodes that run at the exit and are not over.</summary>
    public int UnfinishedAtExit { get; private set; }

    /// <summary>Whether any stage runs at the exit.</summary>
    public bool HasExit { get; private set; }

    /// <summary>Whether <see cref="BeginExit"/> was called.</summary>
    public bool IsAtExit { get; private set; }

    /// <summary>Nodes that run, without loops: what runs in a loop is counted itself.</summary>
    public int Running { get; private set; }

    /// <summary>Nodes by status.</summary>
    public StageCounts Counts => new()
    {
        Pending = _counts[(int)StageStatus.Pending],
        Running = _counts[(int)StageStatus.Running],
        Succeeded = _counts[(int)StageStatus.Succeeded],
        Failed = _counts[(int)StageStatus.Failed],
        Skipped = _counts[(int)StageStatus.Skipped],
        Cancelled = _counts[(int)StageStatus.Cancelled],
    };

    /// <summary>The first failure that no loop makes allowance for: the run has failed.</summary>
    public ErrorInfo? Failure { get; private set; }

    public StageView this[string node] => _views[_index[node]];

    public int? IndexOf(string node) => _index.TryGetValue(node, out var i) ? i : null;

    public StageTemplate Template(int node) => _nodes[node].Template;

    public StageTemplate Template(string stage) => _templates[stage];

    public LoopState? Loop(int node) => _nodes[node].Loop;

    /// <summary>Takes the next node that waits for nothing and has not started.</summary>
    public bool TryTakeReady(out int node)
    {
        while (_ready.TryDequeue(out node))
        {
            if (_views[node].Status == StageStatus.Pending)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether any node waits for nothing and has not started.</summary>
    public bool HasReady
    {
        get
        {
            while (_ready.TryPeek(out var node) && _views[node].Status != StageStatus.Pending)
            {
                _ready.Dequeue();
            }

            return _ready.Count > 0;
        }
    }

    /// <summary>The stages that follow one another from a node on, the only one that runs now: each the only one to do once the one before has ended.</summary>
    /// <remarks>They may be less than those that do, and none: what follows then is seen once the last of them has ended.</remarks>
    /// <param name="node">The node.</param>
    public IEnumerable<int> OnlySuccessors(int node)
    {
        if (Running != 1 || HasReady)
        {
            yield break;
        }

        // Stages that wait for more than one of them.
        var waiting = new Dictionary<int, int>();
        // What is in a loop ends items, which may let others in.
        while (_nodes[node].Parent < 0)
        {
            int? only = null;
            foreach (var dependent in _nodes[node].Dependents)
            {
                var left = waiting.GetValueOrDefault(dependent, _nodes[dependent].Waiting) - 1;
                if (left > 0)
                {
                    waiting[dependent] = left;
                }
                else if (only is null)
                {
                    only = dependent;
                }
                else
                {
                    yield break;
                }
            }

            if (only is not { } next || _nodes[next].Template.IsControl)
            {
                yield break;
            }

            yield return node = next;
        }
    }

    /// <summary>Puts a node back that was taken and not started.</summary>
    public void PutBack(int node) => _ready.Enqueue(node);

    /// <summary>Takes the next loop that changed because its items did.</summary>
    public bool TryTakeChanged(out int node) => _changed.TryDequeue(out node);

    /// <summary>Takes over how a node stands and returns whether that is news.</summary>
    public bool Apply(int node, StageView view)
    {
        var known = _views[node];
        if (IsOver(known.Status) || (view.Attempts < known.Attempts && !IsOver(view.Status)) || view.Status == StageStatus.Pending)
        {
            return false;
        }

        if (!_nodes[node].Template.IsLoop)
        {
            Running += (view.Status == StageStatus.Running ? 1 : 0) - (known.Status == StageStatus.Running ? 1 : 0);
        }

        Set(node, view with { DependsOn = known.DependsOn });
        if (IsOver(view.Status))
        {
            End(node);
        }

        return true;
    }

    /// <summary>Adds the nodes of a loop's items.</summary>
    /// <param name="node">The loop, which is ready.</param>
    /// <param name="items">The items as JSON.</param>
    /// <param name="now">When.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.BadValue"/>: the run would have too many stages.</exception>
    public void Expand(int node, IReadOnlyList<string> items, DateTimeOffset now)
    {
        var loop = _nodes[node];
        var body = loop.Template.Body;
        if (_nodes.Count + ((long)items.Count * body.Count) > MaxNodes)
        {
            throw new GristmillException(ErrorCodes.BadValue,
                $"Loop '{_views[node].Name}' over {items.Count:N0} items of {body.Count} stages would give the run more than {MaxNodes:N0} stages.", "Loop over fewer items.");
        }

        var state = new LoopState(items, LoopOptions.Parse(loop.Template.Spec.Options), _nodes.Count, body.Count);
        loop.Loop = state;
        for (var item = 0; item < items.Count; item++)
        {
            foreach (var template in body)
            {
                // Held by one gate until the item is let in.
                Add(template, [.. loop.Items, item], node, item, gates: 1);
            }
        }

        Set(node, _views[node] with { Status = StageStatus.Running, Started = now, Attempts = 1, Progress = state.Progress() });
        _changed.Enqueue(node);
        if (items.Count == 0 || body.Count == 0)
        {
            state.Ended = now;
            EndLoop(node);
        }
        else
        {
            Admit(state);
        }
    }

    /// <summary>Ends what has not started and lets the stages of the exit start.</summary>
    public void BeginExit(string why, DateTimeOffset now)
    {
        CancelPending(why, now);
        IsAtExit = true;
        for (var i = 0; i < _nodes.Count; i++)
        {
            if (_nodes[i].Template.Spec.OnExit)
            {
                Release(i);
            }
        }
    }

    /// <summary>Marks what has not started as cancelled, and with it the loops that waited for that.</summary>
    public void CancelPending(string why, DateTimeOffset now)
    {
        for (var i = 0; i < _nodes.Count; i++)
        {
            if (_views[i].Status == StageStatus.Pending && _nodes[i].Template.Spec.OnExit == IsAtExit)
            {
                Apply(i, _views[i] with { Status = StageStatus.Cancelled, Reason = why, Ended = now });
            }
        }

        // Their order of appearance is no end of what they set ready: nothing of it starts.
        _ready.Clear();
    }

    /// <summary>The node that a stage's name means for a node: of the same item where both are in one loop, the loop itself where only the stage is in it.</summary>
    public int Resolve(int node, string stage) => Resolve(_nodes[node].Template, _nodes[node].Items, stage);

    /// <summary>Whether a node sees a stage's outputs as a collection, and within which items of outer loops.</summary>
    public bool IsCollected(int node, string stage, out string within)
    {
        var (template, other) = (_nodes[node].Template, _templates[stage]);
        var shared = template.SharedLoops(other);
        within = Suffix(_nodes[node].Items.AsSpan()[..shared]);
        return shared < other.Loops.Length;
    }

    /// <summary>The loop of more failures than it allows that a node is in, or null.</summary>
    public string? DoomedLoop(int node)
    {
        for (var loop = _nodes[node].Parent; loop >= 0; loop = _nodes[loop].Parent)
        {
            if (_nodes[loop].Loop!.IsDoomed)
            {
                return _views[loop].Name;
            }
        }

        return null;
    }

    /// <summary>The item that a node runs for, of one of the loops it is in.</summary>
    public (int Index, string Json) ItemOf(int node, string loop)
    {
        for (var at = node; _nodes[at].Parent is >= 0 and var parent; at = parent)
        {
            if (_nodes[parent].Template.Spec.Name == loop)
            {
                return (_nodes[at].Item, _nodes[parent].Loop!.Items[_nodes[at].Item]);
            }
        }

        throw new InvalidOperationException($"'{_views[node].Name}' is not in loop '{loop}'.");
    }

    /// <summary>The nodes of a stage in the order of the items, items that failed left out; null where the stage was skipped.</summary>
    /// <param name="stage">A stage of a loop, by its name in the spec.</param>
    /// <param name="within">Items of outer loops, such as "[2]"; empty: all.</param>
    public IEnumerable<string?> Instances(string stage, string within)
    {
        var template = _templates[stage];
        var outer = within.Count(static c => c == '[');
        return _index.TryGetValue(template.Loops[outer] + within, out var loop) ? Instances(template, loop, outer) : [];
    }

    private IEnumerable<string?> Instances(StageTemplate template, int loop, int depth)
    {
        if (_nodes[loop].Loop is not { } state)
        {
            yield break;
        }

        var inner = depth + 1 == template.Loops.Length ? template : _templates[template.Loops[depth + 1]];
        var offset = _nodes[loop].Template.Body.IndexOf(inner);
        for (var item = 0; item < state.Items.Count; item++)
        {
            if (state.HasFailed(item))
            {
                continue;
            }

            var node = state.FirstNode + (item * state.BodySize) + offset;
            if (ReferenceEquals(inner, template))
            {
                yield return _views[node].Status == StageStatus.Succeeded ? _views[node].Name : null;
                continue;
            }

            foreach (var name in Instances(template, node, depth + 1))
            {
                yield return name;
            }
        }
    }

    private static bool IsOver(StageStatus status) =>
        status is StageStatus.Succeeded or StageStatus.Failed or StageStatus.Skipped or StageStatus.Cancelled;

    private static string Suffix(ReadOnlySpan<int> items)
    {
        var text = "";
        foreach (var item in items)
        {
            text = string.Create(CultureInfo.InvariantCulture, $"{text}[{item}]");
        }

        return text;
    }

    private int Resolve(StageTemplate template, int[] items, string stage)
    {
        var other = _templates[stage];
        var shared = template.SharedLoops(other);
        var name = shared < other.Loops.Length ? other.Loops[shared] : stage;
        return _index[shared == 0 ? name : name + Suffix(items.AsSpan(0, shared))];
    }

    private void Add(StageTemplate template, int[] items, int parent, int item, int gates)
    {
        var i = _nodes.Count;
        var name = items.Length == 0 ? template.Spec.Name : template.Spec.Name + Suffix(items);
        var node = new Node(template, items, parent, item) { Waiting = gates };
        int[] dependencies = [.. template.Dependencies.All.Select(stage => Resolve(template, items, stage)).Distinct()];
        foreach (var dependency in template.BodyNeeds.Count == 0 ? dependencies : dependencies.Concat(template.BodyNeeds.Select(stage => Resolve(template, items, stage))).Distinct())
        {
            if (!IsOver(_views[dependency].Status))
            {
                _nodes[dependency].Dependents.Add(i);
                node.Waiting++;
            }
        }

        _nodes.Add(node);
        _index.Add(name, i);
        _counts[(int)StageStatus.Pending]++;
        _views.Add(new StageView
        {
            Name = name,
            Operation = template.Spec.Operation,
            Status = StageStatus.Pending,
            // Some of them: a join may wait for all.
            DependsOn = [.. dependencies.Take(MaxShown).Select(dependency => _views[dependency].Name)],
        });
        if (template.Spec.OnExit)
        {
            HasExit = true;
            UnfinishedAtExit++;
        }
        else
        {
            Unfinished++;
        }

        if (node.Waiting == 0)
        {
            _ready.Enqueue(i);
        }
    }

    private void Set(int node, StageView view)
    {
        _counts[(int)_views[node].Status]--;
        _counts[(int)view.Status]++;
        _views[node] = view;
    }

    private void Release(int node)
    {
        if (--_nodes[node].Waiting == 0)
        {
            _ready.Enqueue(node);
        }
    }

    private void End(int i)
    {
        var node = _nodes[i];
        if (node.Template.Spec.OnExit)
        {
            UnfinishedAtExit--;
        }
        else
        {
            Unfinished--;
        }

        if (_views[i].Status == StageStatus.Failed)
        {
            NoteFailure(i);
        }

        node.Dependents.ForEach(Release);
        if (node.Parent >= 0)
        {
            EndInLoop(i, _nodes[node.Parent].Loop!);
        }
    }

    /// <summary>A failure fails its item, and where more items failed than may, the loop, and so on outwards.</summary>
    private void NoteFailure(int i)
    {
        if (_nodes[i].Template.Spec.OnExit)
        {
            return;
        }

        var error = _views[i].Error ?? new ErrorInfo(ErrorCodes.StageFailed, $"Stage '{_views[i].Name}' failed.");
        error = error.Details.ContainsKey("stage") ? error : error with { Details = error.Details.SetItem("stage", _views[i].Name) };
        for (var at = i; _nodes[at].Parent is >= 0 and var parent; at = parent)
        {
            var loop = _nodes[parent].Loop!;
            loop.Fail(_nodes[at].Item, cancelled: false);
            loop.FirstError ??= error;
            if (!loop.IsBroken)
            {
                return;
            }

            error = LoopError(parent);
        }

        Failure ??= error;
    }

    private ErrorInfo LoopError(int i)
    {
        var loop = _nodes[i].Loop!;
        var first = loop.FirstError!;
        return loop.Allowed == 0
            ? first
            : first with
            {
                Code = ErrorCodes.LoopFailed,
                Message = $"Of the {loop.Items.Count:N0} items of loop '{_views[i].Name}' {loop.Broken:N0} failed, and {loop.Allowed:N0} may. The first: {first.Message}",
                Hint = "Correct what fails, or allow a greater share of failures.",
                Details = first.Details.SetItem("loop", _views[i].Name),
            };
    }

    private void EndInLoop(int i, LoopState loop)
    {
        var view = _views[i];
        var node = _nodes[i];
        loop.Ended = loop.Ended > view.Ended ? loop.Ended : view.Ended ?? loop.Ended;
        if (view.Status is StageStatus.Failed or StageStatus.Cancelled)
        {
            loop.AnyCancelled |= view.Status == StageStatus.Cancelled && !loop.HasFailed(node.Item);
            loop.Fail(node.Item, view.Status == StageStatus.Cancelled);
        }

        if (!loop.EndNode(node.Item))
        {
            return;
        }

        if (loop.IsOver)
        {
            EndLoop(node.Parent);
            return;
        }

        _views[node.Parent] = _views[node.Parent] with { Progress = loop.Progress() };
        _changed.Enqueue(node.Parent);
        Admit(loop);
    }

    private void Admit(LoopState loop)
    {
        while (loop.TryAdmit(out var item))
        {
            for (var i = 0; i < loop.BodySize; i++)
            {
                Release(loop.FirstNode + (item * loop.BodySize) + i);
            }
        }
    }

    private void EndLoop(int i)
    {
        var loop = _nodes[i].Loop!;
        var error = loop is { IsBroken: true, FirstError: not null } ? LoopError(i) : null;
        var cancelled = error is null && (loop.IsDoomed || loop.AnyCancelled);
        Set(i, _views[i] with
        {
            Status = error is not null ? StageStatus.Failed : cancelled ? StageStatus.Cancelled : StageStatus.Succeeded,
            Error = error,
            Progress = null,
            Ended = loop.Ended,
            Reason = cancelled ? "items of it were cancelled" : null,
            Outputs = error is not null || cancelled
                ? ImmutableDictionary<string, Artifact>.Empty
                : ImmutableDictionary<string, Artifact>.Empty.Add("metrics", Artifact.Of(ImmutableDictionary<string, double>.Empty
                    .Add("items", loop.Items.Count).Add("succeeded", loop.Items.Count - loop.Failed).Add("failed", loop.Failed))),
        });
        _changed.Enqueue(i);
        End(i);
    }

    private sealed class Node(StageTemplate template, int[] items, int parent, int item)
    {
        public StageTemplate Template { get; } = template;

        /// <summary>The items of the loops it is in, the outermost first.</summary>
        public int[] Items { get; } = items;

        /// <summary>The loop it is in, or -1.</summary>
        public int Parent { get; } = parent;

        /// <summary>The item of that loop.</summary>
        public int Item { get; } = item;

        public List<int> Dependents { get; } = [];

        /// <summary>Stages it waits for, and gates that hold it.</summary>
        public int Waiting { get; set; }

        /// <summary>Of a loop, once its list is known.</summary>
        public LoopState? Loop { get; set; }
    }
}
