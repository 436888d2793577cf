using System.Collections.Immutable;

namespace Gristmill;

/// <summary>The stages a stage waits for, by their names in the spec.</summary>
/// <param name="Needs">Those whose outputs, metrics or values it uses: if one of them is skipped, so is the stage.</param>
/// <param name="All">Those, the ones its condition asks, and the ones that only have to be over first, in order of first mention.</param>
public sealed record StageDependencies(ImmutableArray<string> Needs, ImmutableArray<string> All)
{
    /// <summary>The dependencies of a stage: inputs, condition, values in its options, and "after".</summary>
    /// <exception cref="FormatException">The options or the condition are malformed.</exception>
    public static StageDependencies Of(StageSpec stage)
    {
        ArgumentNullException.ThrowIfNull(stage);
        var inputs = stage.Inputs.OrderBy(static input => input.Key, StringComparer.Ordinal).Select(static input => input.Value.Stage);
        var asked = stage.When is { } when ? ConditionLogic.References(when).Select(static r => r.Stage).OfType<string>() : [];
        var values = OptionsTemplate.References(stage.Options).Select(static r => r.Stage).OfType<string>();
        ImmutableArray<string> needs = [.. inputs.Concat(values).Distinct(StringComparer.Ordinal)];
        ImmutableArray<string> after = stage.After.IsDefault ? [] : stage.After;
        return new StageDependencies(needs, [.. needs.Concat(asked).Concat(after).Distinct(StringComparer.Ordinal)]);
    }
}
