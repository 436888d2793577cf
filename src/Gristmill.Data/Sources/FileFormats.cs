namespace Gristmill.Data.Sources;

/// <summary>Formats by the endings of names.</summary>
internal static class FileFormats
{
    /// <summary>The format that a name's ending says; null: none, or none that is known.</summary>
    public static FileFormat? Of(string path)
    {
        var packed = Path.GetExtension(path).ToUpperInvariant() is ".GZ" or ".ZST";
        return (packed, Path.GetExtension(packed ? Path.GetFileNameWithoutExtension(path) : path).ToUpperInvariant()) switch
        {
            (false, ".PARQUET" or ".PQ") => FileFormat.Parquet,
            (_, ".CSV" or ".TSV") => FileFormat.Csv,
            (_, ".JSONL" or ".NDJSON") => FileFormat.JsonLines,
            (false, ".ARROW" or ".FEATHER" or ".IPC" or ".ARROWS") => FileFormat.Arrow,
            (_, ".TXT" or ".LOG") => FileFormat.Text,
            _ => null,
        };
    }

    public static GristmillException Unknown(string path) =>
        new GristmillException(ErrorCodes.Invalid, $"The ending of '{path}' does not say which format it has.", "Set the option Format.").With("file", path);
}
