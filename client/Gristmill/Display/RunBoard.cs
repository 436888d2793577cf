using System.Collections.Immutable;

namespace Gristmill.Display;

/// <summary>A run as its events tell it: events of stages are merged into the whole run.</summary>
internal sealed class RunBoard
{
    private readonly List<StageView> _stages = [];
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);
    private RunView? _run;

    /// <summary>The run with all stages that were told of.</summary>
    public RunView? Run => _run is null ? null : _run with { Stages = [.. _stages] };

    /// <summary>The run with the stages of the newest view only; how many there are of each status is up to date.</summary>
    public RunView? Latest => _run;

    /// <summary>Whether there are more stages than a screen is for.</summary>
    public bool IsLarge => _run?.Counts.Total > RunView.MaxStages;

    /// <summary>Takes an event in.</summary>
    /// <returns>The stages that changed, before and after; before is null where the stage was not known.</returns>
    public IReadOnlyList<(StageView? Before, StageView After)> Apply(RunEvent change)
    {
        if (change.Run is { } run)
        {
            _run = run;
            return [.. run.Stages.Select(Take)];
        }

        if (_run is null)
        {
            return [];
        }

        ImmutableArray<StageView> stages = change.Stage is { } stage ? [stage] : change.Stages;
        var changes = stages.Select(Take).ToList();
        _run = _run with { Status = change.Status, Counts = change.Counts.Total > 0 ? change.Counts : _run.Counts, Paused = change.Paused ?? _run.Paused };
        return changes;
    }

    private (StageView? Before, StageView After) Take(StageView after)
    {
        if (_index.TryGetValue(after.Name, out var i))
        {
            var before = _stages[i];
            _stages[i] = after;
            return (before, after);
        }

        _index.Add(after.Name, _stages.Count);
        _stages.Add(after);
        return (null, after);
    }
}
