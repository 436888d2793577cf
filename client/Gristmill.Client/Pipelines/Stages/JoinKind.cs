namespace Gristmill;

/// <summary>Which rows <see cref="PipelineBuilder.Join"/> keeps.</summary>
public enum JoinKind
{
    /// <summary>Pairs of rows with equal keys.</summary>
    Inner,
    /// <summary>As <see cref="Inner"/>, and each row of the left table that has no partner, with nulls beside it.</summary>
    Left,
    /// <summary>As <see cref="Inner"/>, and each row of the right table that has no partner, with nulls beside it.</summary>
    Right,
    /// <summary>As <see cref="Inner"/>, and each row of both tables that has no partner.</summary>
    Full,
    /// <summary>Rows of the left table that have a partner, once each.</summary>
    Semi,
    /// <summary>Rows of the left table that have no partner.</summary>
    Anti,
}

/// <summary>How often a key may be there on each side of <see cref="PipelineBuilder.Join"/>.</summary>
public enum JoinCardinality
{
    /// <summary>Any number of times.</summary>
    ManyToMany,
    /// <summary>Once in the right table.</summary>
    ManyToOne,
    /// <summary>Once in the left table.</summary>
    OneToMany,
    /// <summary>Once in each table.</summary>
    OneToOne,
}
