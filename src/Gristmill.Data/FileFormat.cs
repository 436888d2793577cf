namespace Gristmill.Data;

/// <summary>Formats of files that a flow reads and writes.</summary>
public enum FileFormat
{
    /// <summary>Apache Parquet: .parquet, .pq.</summary>
    Parquet,
    /// <summary>Comma-separated values: .csv, .tsv; also with .gz or .zst.</summary>
    Csv,
    /// <summary>A JSON object a line: .jsonl, .ndjson; also with .gz or .zst.</summary>
    JsonLines,
    /// <summary>Arrow IPC, as a file or a stream: .arrow, .feather, .ipc, .arrows.</summary>
    Arrow,
    /// <summary>Lines of UTF-8 text, in the column "line": .txt, .log; also with .gz. Read only.</summary>
    Text,
    /// <summary>
    /// IDX, as MNIST and its kin have it: .idx, .idx1-ubyte to .idx9-double, also with - instead of the point, and with .gz. A row an item, in the column "value":
    /// a number, or a list of a fixed size. Read only.
    /// </summary>
    Idx,
    /// <summary>
    /// Avro container files, packed by deflate, snappy, zstandard or not at all: .avro. The fields of the record are the columns; a schema that is no record gives the
    /// column "value".
    /// </summary>
    Avro,
    /// <summary>
    /// Images, a row a file: .png, .jpg, .jpeg. Columns are path, label (the name of the folder that it is in), width, height and bytes, which are the file's and not
    /// decoded, or with <see cref="FileReadOptions.Images"/> pixels. Read only.
    /// </summary>
    Image,
}
