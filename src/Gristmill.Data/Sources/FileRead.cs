using Gristmill.Data.Sources.Remote;

namespace Gristmill.Data.Sources;

/// <summary>Files to read: as they were named, and how.</summary>
/// <param name="Paths">Files, folders and patterns.</param>
/// <param name="Options">How.</param>
internal sealed record FileRead(IReadOnlyList<string> Paths, FileReadOptions Options)
{
    /// <summary>The format: as said, by the endings of what was named, or by what a folder holds.</summary>
    public FileFormat Format(string? baseDirectory) => Options.Format
        ?? FileFormats.Of(Paths[0])
        ?? FileFormats.Of(FileSet.Find(this, baseDirectory)[0].Path)
        ?? throw FileFormats.Unknown(Paths[0]);

    /// <summary>Whether some must be fetched.</summary>
    public bool IsRemote { get; } = Paths.Any(Addresses.Is);

    /// <summary>Whether they are read by a query. Files that are fetched come and go while they are read, so each has a query of its own.</summary>
    public bool IsSql(string? baseDirectory) => !IsRemote && IsFormatOfSql(baseDirectory);

    /// <summary>Whether DuckDB reads the format.</summary>
    public bool IsFormatOfSql(string? baseDirectory) => Format(baseDirectory) is FileFormat.Parquet or FileFormat.Csv or FileFormat.JsonLines;

    public string Describe() => string.Join(", ", Paths.Select(Addresses.Show));
}
