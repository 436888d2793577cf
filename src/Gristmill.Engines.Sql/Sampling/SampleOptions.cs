using System.Collections.Immutable;

namespace Gristmill.Engines.Sql.Sampling;

/// <summary>How <see cref="SampleOptions"/> divides a sample among groups.</summary>
public enum SampleAllocation
{
    /// <summary>Each group has its share of the sample to a row, by the largest remainder.</summary>
    Proportional = 0,
    /// <summary>Each group has as many rows as <see cref="SampleOptions.Rows"/> says.</summary>
    Equal = 1,
}

/// <summary>
/// Options of "sql.sample": output "out" has rows of input "data" that are drawn at random, in their order, the same for the same seed and
/// rows. Either <see cref="Rows"/> or <see cref="Fraction"/> says how many.
/// </summary>
public sealed record SampleOptions
{
    /// <summary>How many rows, not negative; of each group, where the allocation is <see cref="SampleAllocation.Equal"/>.</summary>
    public long? Rows { get; init; }

    /// <summary>
    /// The share of rows, not negative, and at most 1 without replacement. The sample has this share of the table's rows, rounded to the
    /// nearest number.
    /// </summary>
    public double? Fraction { get; init; }

    /// <summary>Seed of the choice.</summary>
    /// <value>0.</value>
    public long Seed { get; init; }

    /// <summary>The columns whose values together are a row's group. Null is a value like any other.</summary>
    /// <value>None: the table is one group.</value>
    public ImmutableArray<string>? Columns { get; init; }

    /// <summary>How the sample is divided among the groups.</summary>
    /// <value><see cref="SampleAllocation.Proportional"/>.</value>
    public SampleAllocation Allocation { get; init; }

    /// <summary>Whether a row may be drawn more than once; its copies follow each other.</summary>
    /// <value>false.</value>
    public bool Replacement { get; init; }
}
