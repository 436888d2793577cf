using System.Collections.Immutable;

namespace Gristmill.Grains.Runs;

/// <summary>
/// A run's stages and what each waits for. A stage becomes ready when the count of stages it waits for reaches zero, so
/// a run of n stages and e edges costs n + e steps in all.
/// </summary>
internal sealed class RunGraph
{
    private const int MaxShown = 64;

    private readonly Dictionary<string, int> _index;
    private readonly int[] _waiting;
    private readonly List<int>[] _dependents;
    private readonly Queue<int> _ready = new();
    private readonly int[] _counts = new int[Enum.GetValues<StageStatus>().Length];

    public RunGraph(PipelineSpec spec)
    {
        var stages = spec.Stages;
        _index = new Dictionary<string, int>(stages.Length, StringComparer.Ordinal);
        _waiting = new int[stages.Length];
        _dependents = new List<int>[stages.Length];
        Views = new StageView[stages.Length];
        Needs = new ImmutableArray<string>[stages.Length];
        for (var i = 0; i < stages.Length; i++)
        {
            var stage = stages[i];
            var dependencies = StageDependencies.Of(stage);
            _index.Add(stage.Name, i);
            _dependents[i] = [];
            _waiting[i] = dependencies.All.Length;
            Needs[i] = dependencies.Needs;
            foreach (var dependency in dependencies.All)
            {
                _dependents[_index[dependency]].Add(i);
            }

            if (_waiting[i] == 0)
            {
                _ready.Enqueue(i);
            }

            Views[i] = new StageView { Name = stage.Name, Operation = stage.Operation, Status = StageStatus.Pending, DependsOn = Shown(dependencies.All) };
        }

        Unfinished = stages.Length;
        _counts[(int)StageStatus.Pending] = stages.Length;
    }

    /// <summary>Stages in the order of the spec.</summary>
    public StageView[] Views { get; }

    /// <summary>Per stage, those whose outputs or metrics it uses.</summary>
    public ImmutableArray<string>[] Needs { get; }

    /// <summary>Stages that are not over.</summary>
    public int Unfinished { get; private set; }

    /// <summary>Stages that run.</summary>
    public int Running => _counts[(int)StageStatus.Running];

    /// <summary>Stages by status.</summary>
    public StageCounts Counts => new()
    {
        Pending = _counts[(int)StageStatus.Pending],
        Running = _counts[(int)StageStatus.Running],
        Succeeded = _counts[(int)StageStatus.Succeeded],
        Failed = _counts[(int)StageStatus.Failed],
        Skipped = _counts[(int)StageStatus.Skipped],
        Cancelled = _counts[(int)StageStatus.Cancelled],
    };

    public StageView this[string stage] => Views[_index[stage]];

    public int? IndexOf(string stage) => _index.TryGetValue(stage, out var i) ? i : null;

    /// <summary>Takes the next stage that waits for nothing and has not started.</summary>
    public bool TryTakeReady(out int stage)
    {
        while (_ready.TryDequeue(out stage))
        {
            if (Views[stage].Status == StageStatus.Pending)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes over how a stage stands and returns whether that is news.</summary>
    public bool Apply(int stage, StageView view)
    {
        var known = Views[stage];
        if (IsOver(known.Status) || (view.Attempts < known.Attempts && !IsOver(view.Status)) || view.Status == StageStatus.Pending)
        {
            return false;
        }

        _counts[(int)known.Status]--;
        _counts[(int)view.Status]++;
        Views[stage] = view with { DependsOn = known.DependsOn };
        if (IsOver(view.Status))
        {
            Unfinished--;
            foreach (var dependent in _dependents[stage])
            {
                if (--_waiting[dependent] == 0)
                {
                    _ready.Enqueue(dependent);
                }
            }
        }

        return true;
    }

    /// <summary>A view names some of the stages that its stage waits for: a join may wait for all.</summary>
    private static ImmutableArray<string> Shown(ImmutableArray<string> dependencies) =>
        dependencies.Length <= MaxShown ? dependencies : [.. dependencies.Take(MaxShown)];

    private static bool IsOver(StageStatus status) =>
        status is StageStatus.Succeeded or StageStatus.Failed or StageStatus.Skipped or StageStatus.Cancelled;
}
