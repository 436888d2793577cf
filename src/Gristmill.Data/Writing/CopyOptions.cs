using Gristmill.Data.Sources.Avro;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Writing;

/// <summary>Options of DuckDB's COPY, and how files are packed.</summary>
internal static class CopyOptions
{
    private static readonly string[] s_parquet = ["snappy", "zstd", "gzip", "lz4_raw", "uncompressed"];
    private static readonly string[] s_avro = ["deflate", "snappy", "zstd", "uncompressed"];
    private static readonly string[] s_text = ["gzip", "zstd", "none"];

    public static string Of(FileFormat format, FileWriteOptions options, string? path = null)
    {
        var partitions = options.PartitionBy.Count == 0 ? "" : $", partition_by ({string.Join(", ", options.PartitionBy.Select(QueryText.Identifier))})";
        return format switch
        {
            FileFormat.Parquet => FormattableString.Invariant($"format parquet, compression '{Codec(options.Compression ?? "snappy", s_parquet)}', row_group_size {options.RowGroupRows}{partitions}"),
            FileFormat.Csv => $"format csv, header {(options.Header ? "true" : "false")}, delimiter {QueryText.Literal(options.Delimiter.ToString())}, compression '{Codec(options.Compression ?? ByName(path), s_text)}'{partitions}",
            FileFormat.JsonLines => $"format json, compression '{Codec(options.Compression ?? ByName(path), s_text)}'{partitions}",
            _ => throw new GristmillException(ErrorCodes.Invalid, $"Files of the format {format} cannot be written by SQL.", "Use Parquet, CSV or JSON lines."),
        };
    }

    /// <summary>How Avro's blocks are packed.</summary>
    public static AvroCodec Avro(FileWriteOptions options) => AvroCodec.Of(Codec(options.Compression ?? "deflate", s_avro) switch
    {
        "zstd" => "zstandard",
        "uncompressed" => "null",
        var name => name,
    });

    private static string ByName(string? path) => Path.GetExtension(path)?.ToUpperInvariant() switch { ".GZ" => "gzip", ".ZST" => "zstd", _ => "none" };

    private static string Codec(string name, string[] known) => known.FirstOrDefault(codec => codec.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } codec
        ? codec
        : throw new GristmillException(ErrorCodes.Invalid, $"There is no compression '{name}' here.", $"Use one of {string.Join(", ", known)}.");
}
