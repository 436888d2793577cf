using System.Collections.Immutable;

namespace Gristmill.Engines.Sql.Joining;

/// <summary>Which rows a join keeps.</summary>
public enum JoinKind
{
    /// <summary>Pairs of rows with equal keys.</summary>
    Inner = 0,
    /// <summary>As <see cref="Inner"/>, and each row of the left table that has no partner, with nulls beside it.</summary>
    Left = 1,
    /// <summary>As <see cref="Inner"/>, and each row of the right table that has no partner, with nulls beside it.</summary>
    Right = 2,
    /// <summary>As <see cref="Inner"/>, and each row of both tables that has no partner.</summary>
    Full = 3,
    /// <summary>Rows of the left table that have a partner, once each.</summary>
    Semi = 4,
    /// <summary>Rows of the left table that have no partner.</summary>
    Anti = 5,
}

/// <summary>How often a key may be there on each side of a join.</summary>
public enum JoinCardinality
{
    /// <summary>Any number of times.</summary>
    ManyToMany = 0,
    /// <summary>Once in the right table.</summary>
    ManyToOne = 1,
    /// <summary>Once in the left table.</summary>
    OneToMany = 2,
    /// <summary>Once in each table.</summary>
    OneToOne = 3,
}

/// <summary>
/// Options of "sql.join": output "out" has the rows of inputs "left" and "right" whose keys are equal. Null equals nothing; NaN equals NaN, and
/// zero minus zero. The columns are those of the left table and, except for <see cref="JoinKind.Semi"/> and <see cref="JoinKind.Anti"/>, those of the
/// right one without its keys. Rows are in the order of the left table, and of equal ones in that of the right; the other way round for
/// <see cref="JoinKind.Right"/>; those of the right table without a partner come last for <see cref="JoinKind.Full"/>.
/// </summary>
public sealed record JoinOptions
{
    /// <summary>The left table's key columns: numbers, text, truth values, times or binary.</summary>
    public required ImmutableArray<string> Keys { get; init; }

    /// <summary>The right table's key columns, in the order of the left one's and of the same kinds.</summary>
    /// <value>Of the same names.</value>
    public ImmutableArray<string>? RightKeys { get; init; }

    /// <summary>Which rows are kept.</summary>
    /// <value><see cref="JoinKind.Inner"/>.</value>
    public JoinKind How { get; init; }

    /// <summary>What is added to the name of a column of the right table that the left one has, too.</summary>
    /// <value>"_right".</value>
    public string Suffix { get; init; } = "_right";

    /// <summary>How often a key may be there; looked at before anything is joined. Keys with a null do not count.</summary>
    /// <value><see cref="JoinCardinality.ManyToMany"/>.</value>
    public JoinCardinality Validate { get; init; }
}
