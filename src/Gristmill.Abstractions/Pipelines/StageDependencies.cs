using System.Collections.Immutable;

namespace Gristmill;

/// <summary>The stages a stage waits for.</summary>
/// <param name="Needs">Those whose outputs or metrics it uses: if one of them is skipped, so is the stage.</param>
/// <param name="All">Those and the ones that only have to be over first, in order of first mention.</param>
public sealed record StageDependencies(ImmutableArray<string> Needs, ImmutableArray<string> All)
{
    /// <summary>The dependencies of a stage: inputs, condition, metrics in its options, and "after".</summary>
    /// <exception cref="FormatException">The options are malformed.</exception>
    public static StageDependencies Of(StageSpec stage)
    {
        ArgumentNullException.ThrowIfNull(stage);
        var needs = new List<string>();
        needs.AddRange(stage.Inputs.OrderBy(static input => input.Key, StringComparer.Ordinal).Select(static input => input.Value.Stage));
        if (stage.When is { } when)
        {
            needs.Add(when.Stage);
        }

        needs.AddRange(OptionsTemplate.References(stage.Options).Where(static r => r.Stage is not null).Select(static r => r.Stage!));
        ImmutableArray<string> needed = [.. needs.Distinct(StringComparer.Ordinal)];
        ImmutableArray<string> after = stage.After.IsDefault ? [] : stage.After;
        return new StageDependencies(needed, [.. needed.Concat(after).Distinct(StringComparer.Ordinal)]);
    }
}
