using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Reading;

/// <summary>What DuckDB says of files that it cannot read.</summary>
public static class ReadErrors
{
    /// <summary>Makes the exception of an error.</summary>
    /// <param name="error">What DuckDB says.</param>
    /// <param name="files">The files.</param>
    /// <param name="format">What they are read as.</param>
    /// <param name="cancellationToken">Tells a reading that was interrupted from one that failed.</param>
    public static Exception Explain(DuckError error, IReadOnlyList<string> files, string format, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(error);
        if (error.Common(cancellationToken) is { } common)
        {
            return common;
        }

        var shown = Shown(files);
        if (error.Is("IO") && (error.Message.Contains("No files found", StringComparison.Ordinal)
            || error.Message.Contains("Cannot open file", StringComparison.Ordinal)))
        {
            return SourceFiles.NotFound(shown, $"cannot be opened ({error.FirstLine})", "Look whether the files are there and may be read.");
        }

        if (CsvRejects.Explain(error.Message) is { } row)
        {
            return row;
        }

        return new GristmillException(ErrorCodes.FileFormat, $"'{shown}' cannot be read as {format}: {error.Message.Trim()}",
            "Look whether the file is whole and of that format; the option format overrides what its extension says.").With("file", shown);
    }

    /// <summary>The first file, and how many more there are.</summary>
    public static string Shown(IReadOnlyList<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return files.Count == 1 ? files[0] : $"{files[0]} and {files.Count - 1} more";
    }
}
