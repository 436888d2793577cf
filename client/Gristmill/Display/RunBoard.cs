namespace Gristmill.Display;

/// <summary>A run as its events tell it: events of stages are merged into the whole run.</summary>
internal sealed class RunBoard
{
    public RunView? Run { get; private set; }

    /// <summary>Takes an event in.</summary>
    /// <returns>The stages that changed, before and after; before is null where the stage was not known.</returns>
    public IReadOnlyList<(StageView? Before, StageView After)> Apply(RunEvent change)
    {
        var known = Run?.Stages ?? [];
        if (change.Run is { } run)
        {
            Run = run;
            return [.. run.Stages.Select(after => (known.FirstOrDefault(before => before.Name == after.Name), after))];
        }

        if (Run is null || change.Stage is not { } stage)
        {
            return [];
        }

        var before = known.FirstOrDefault(s => s.Name == stage.Name);
        Run = Run with { Status = change.Status, Stages = before is null ? known.Add(stage) : known.Replace(before, stage) };
        return [(before, stage)];
    }
}
