namespace Gristmill.Data;

/// <summary>How files are written.</summary>
public sealed record FileWriteOptions
{
    /// <summary>Whether what is there is replaced, once all is written.</summary>
    /// <value>False: it is an error.</value>
    public bool Overwrite { get; init; }

    /// <summary>Columns whose values name folders, such as year=2001/month=1/; the path is that of the folder around them. Not for Arrow and Avro files.</summary>
    public IReadOnlyList<string> PartitionBy { get; init; } = [];

    /// <summary>
    /// Of Parquet files: the codec: "snappy", "zstd", "gzip", "lz4_raw" or "uncompressed". Of CSV and JSON lines: "gzip" or "zstd". Of Avro files: "deflate", "snappy",
    /// "zstd" or "uncompressed".
    /// </summary>
    /// <value>Snappy for Parquet, deflate for Avro; none for the others, unless the name ends in .gz or .zst.</value>
    public string? Compression { get; init; }

    /// <summary>Of Parquet files: rows of a row group.</summary>
    /// <value>122,880.</value>
    public int RowGroupRows { get; init; } = 122_880;

    /// <summary>Of CSV files: the delimiter.</summary>
    /// <value>A comma.</value>
    public char Delimiter { get; init; } = ',';

    /// <summary>Of CSV files: whether the first line has the columns' names.</summary>
    /// <value>True.</value>
    public bool Header { get; init; } = true;
}
