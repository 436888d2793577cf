namespace Gristmill.Data;

/// <summary>How a SQLite database is read.</summary>
public sealed record SqliteReadOptions
{
    /// <summary>Types of columns, by name.</summary>
    /// <value>As columns are declared; where a column has no declared type, as an expression has none, by its first 1,000 rows.</value>
    public IReadOnlyDictionary<string, SqliteType> Types { get; init; } = new Dictionary<string, SqliteType>();
}

/// <summary>Types that columns of SQLite are read as. Each value must be of the type; none is converted with loss.</summary>
public enum SqliteType
{
    /// <summary>0 and 1; of columns declared BOOL or BOOLEAN.</summary>
    Boolean,
    /// <summary>Integers of 64 bits; of declared types with INT in them.</summary>
    Int64,
    /// <summary>Floating point of 64 bits, and integers up to 2⁵³; of REAL, FLOAT, DOUBLE, DECIMAL and NUMERIC.</summary>
    Double,
    /// <summary>Text in UTF-8; of types with CHAR, CLOB or TEXT in them, and of JSON and UUID.</summary>
    Text,
    /// <summary>Bytes; of BLOB.</summary>
    Binary,
    /// <summary>Text such as 2026-11-28, as a date; of DATE.</summary>
    Date,
    /// <summary>
    /// Text such as 2026-11-28 04:30:00, with T in place of the blank, without seconds or with up to six digits of them behind the point, and with Z or an offset;
    /// as a timestamp in microseconds of UTC. Of DATETIME and TIMESTAMP.
    /// </summary>
    Timestamp,
}
