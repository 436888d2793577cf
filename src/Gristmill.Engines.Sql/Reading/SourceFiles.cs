using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Gristmill.Engines.Sql.Reading;

/// <summary>Turns the paths of a stage's options into what DuckDB's readers take.</summary>
internal static class SourceFiles
{
    private static readonly SearchValues<char> Pattern = SearchValues.Create("*?[");

    /// <summary>Full paths; patterns stay patterns, everything else is there.</summary>
    /// <exception cref="GristmillException">invalid; data.file_not_found, naming the path.</exception>
    public static IReadOnlyList<string> Resolve(JsonElement path, StageContext context)
    {
        string[] given = path.ValueKind switch
        {
            JsonValueKind.String => [path.GetString()!],
            JsonValueKind.Array when path.GetArrayLength() > 0 && path.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) =>
                [.. path.EnumerateArray().Select(item => item.GetString()!)],
            _ => throw Invalid(path.GetRawText(), "it must be a string or a list of strings"),
        };
        return [.. given.Select(item => Resolve(item, context))];
    }

    /// <summary>"parquet", "csv" or "json".</summary>
    public static string FormatOf(string? format, string path)
    {
        switch (format?.ToUpperInvariant())
        {
            case "PARQUET" or "CSV" or "JSON":
                return format.ToUpperInvariant();
            case null:
                break;
            default:
                throw new GristmillException(ErrorCodes.Invalid, $"There is no file format '{format}'.", "Use parquet, csv or json.").With("format", format);
        }

        var name = path;
        if (Path.GetExtension(name).ToUpperInvariant() is ".GZ" or ".ZST")
        {
            name = Path.GetFileNameWithoutExtension(name);
        }

        return Path.GetExtension(name).ToUpperInvariant() switch
        {
            ".PARQUET" or ".PQ" => "PARQUET",
            ".CSV" or ".TSV" or ".TXT" => "CSV",
            ".JSON" or ".JSONL" or ".NDJSON" => "JSON",
            var other => throw new GristmillException(ErrorCodes.Invalid, $"The extension '{other}' of '{path}' does not say which format the file has.",
                "Set the option format to parquet, csv or json.").With("file", path),
        };
    }

    private static string Resolve(string path, StageContext context)
    {
        if (string.IsNullOrWhiteSpace(path) || path.Contains('\0', StringComparison.Ordinal))
        {
            throw Invalid(path.Replace("\0", "\\0", StringComparison.Ordinal), "it is no file name");
        }

        if (!Path.IsPathFullyQualified(path) && context.BaseDirectory is null)
        {
            throw Invalid(path, "it is relative, and there is no base folder here");
        }

        var full = context.BaseDirectory is null ? Path.GetFullPath(path) : Path.GetFullPath(path, context.BaseDirectory);
        if (File.Exists(full))
        {
            return Escape(full);
        }

        if (Directory.Exists(full))
        {
            throw NotFound(full, "is a folder, not a file", "Name the files in it with a pattern, such as FOLDER/*.parquet.");
        }

        return full.AsSpan().ContainsAny(Pattern)
            ? full
            : throw NotFound(full, "does not exist", "Relative paths start at the pipeline's folder.");
    }

    /// <summary>A file whose name has characters of patterns is meant itself.</summary>
    private static string Escape(string path)
    {
        if (!path.AsSpan().ContainsAny(Pattern))
        {
            return path;
        }

        var escaped = new StringBuilder();
        foreach (var character in path)
        {
            _ = Pattern.Contains(character) ? escaped.Append('[').Append(character).Append(']') : escaped.Append(character);
        }

        return escaped.ToString();
    }

    public static GristmillException NotFound(string path, string what, string hint) =>
        new GristmillException(ErrorCodes.FileNotFound, $"'{path}' {what}.", hint).With("file", path);

    private static GristmillException Invalid(string path, string why) =>
        new GristmillException(ErrorCodes.Invalid, $"The path '{path}' cannot be read: {why}.", "Give an absolute path, or one relative to the pipeline's folder.")
            .With("file", path);
}
