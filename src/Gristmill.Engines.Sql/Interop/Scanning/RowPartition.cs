namespace Gristmill.Engines.Sql.Interop;

/// <summary>Which part of a split each row of a scanned table belongs to.</summary>
internal abstract class RowPartition
{
    /// <summary>Name of the column that holds a row's part; it comes behind those of the table, whatever their names are.</summary>
    public const string Column = "gristmill_part";

    /// <summary>The part of a row, from 0.</summary>
    public abstract sbyte Of(long row);
}
