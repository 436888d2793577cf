using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Engines.Sql.Splitting;

/// <summary>How <see cref="SplitOptions"/> divides.</summary>
public enum SplitBy
{
    /// <summary>By the values of a column that has an order.</summary>
    Value = 0,
    /// <summary>By a column of dates or timestamps: as <see cref="Value"/>, and plain ISO 8601 strings are times.</summary>
    Time = 1,
    /// <summary>At random, the same for the same seed and rows.</summary>
    Random = 2,
    /// <summary>
    /// At random by the key of a row's group: rows of one group are in one part, in every table that is split with the same seed. Shares
    /// are of groups, not rows, and each group is drawn for itself: few groups, or groups of unlike sizes, give other shares of rows.
    /// </summary>
    Group = 3,
    /// <summary>
    /// At random within each class, the same for the same seed and rows: each part gets its share of each class to a row, by the largest
    /// remainder. A class of fewer rows than there are parts is in the largest parts alone.
    /// </summary>
    Stratified = 4,
}

/// <summary>Options of "sql.split": input "data", one output a name.</summary>
public sealed record SplitOptions
{
    /// <summary>How to divide.</summary>
    public required SplitBy By { get; init; }

    /// <summary>The column to divide by.</summary>
    public string? Column { get; init; }

    /// <summary>
    /// Where to divide: a value, or a list of ascending ones. Rows below the first go to the first output, rows from
    /// it on to the second, and so on. Values as in <see cref="Querying.QueryOptions.Values"/>.
    /// </summary>
    public JsonElement? At { get; init; }

    /// <summary>
    /// The columns whose values together are a row's group or class; for <see cref="SplitBy.Group"/> and <see cref="SplitBy.Stratified"/>.
    /// Null is a value like any other.
    /// </summary>
    /// <value><see cref="Column"/> alone.</value>
    public ImmutableArray<string>? Columns { get; init; }

    /// <summary>The share of each output, where the division is at random; they sum to 1, or to less with the rest as a last output.</summary>
    public ImmutableArray<double>? Fractions { get; init; }

    /// <summary>Seed of the random division.</summary>
    /// <value>0.</value>
    public long Seed { get; init; }

    /// <summary>Names of the outputs.</summary>
    /// <value>"train" and "test"; "train", "validation" and "test" if there are three; else "part0", "part1", ...</value>
    public ImmutableArray<string>? Names { get; init; }
}
