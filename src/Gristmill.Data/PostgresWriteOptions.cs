namespace Gristmill.Data;

/// <summary>How rows go to a table of PostgreSQL.</summary>
public sealed record PostgresWriteOptions
{
    /// <summary>The schema that the table is in, as it is: it is quoted.</summary>
    /// <value>null: the first of the search path that has the table, and for a new table the first that there is.</value>
    public string? Schema { get; init; }

    /// <summary>What becomes of a table that is there.</summary>
    /// <value>It is an error.</value>
    public PostgresWriteMode Mode { get; init; }

    /// <summary>For <see cref="PostgresWriteMode.Upsert"/>: the columns that tell rows apart. The table has a unique index over them; a new one gets it as primary key.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>Tells several writes of one stage to one table apart; it must be the same whenever the stage is executed. Of no meaning outside of stages.</summary>
    /// <value>Empty: the stage writes to the table once.</value>
    public string Name { get; init; } = "";
}

/// <summary>What becomes of a table that rows are written to. In each mode a table that is missing is made, with the columns of the flow.</summary>
public enum PostgresWriteMode
{
    /// <summary>The table must not be there.</summary>
    Create,
    /// <summary>Rows come to those that are there.</summary>
    Append,
    /// <summary>Rows take the place of those that are there. The table itself stays, with its indexes, rights and views; others read the old rows until all new ones are there.</summary>
    Replace,
    /// <summary>Rows take the place of those with the same <see cref="PostgresWriteOptions.Keys"/>, or come to them. Columns that the flow has not stay as they are.</summary>
    Upsert,
}
