using System.Collections.Immutable;

namespace Gristmill;

/// <summary>One thing of several runs, side by side.</summary>
/// <param name="Group">What kind of thing: "run", "parameter", "metric", "seconds", "depends", "package".</param>
/// <param name="Name">Its name, for things of stages "stage/name".</param>
/// <param name="Values">A value a run, null where a run has none.</param>
/// <param name="Differs">Whether the values are not all equal.</param>
public sealed record ComparisonRow(string Group, string Name, ImmutableArray<string?> Values, bool Differs);

/// <summary>Several runs side by side.</summary>
public sealed record ComparedRuns
{
    /// <summary>Most runs in one comparison.</summary>
    public const int MaxRuns = 100;

    /// <summary>The runs' ids, in the order asked for.</summary>
    public required ImmutableArray<string> Runs { get; init; }
    /// <summary>The rows, by group.</summary>
    public required ImmutableArray<ComparisonRow> Rows { get; init; }
}
