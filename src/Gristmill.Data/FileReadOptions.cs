using Gristmill.Engines.Sql.Reading;

namespace Gristmill.Data;

/// <summary>How files are read.</summary>
public sealed record FileReadOptions
{
    /// <summary>The files' format.</summary>
    /// <value>By their ending.</value>
    public FileFormat? Format { get; init; }

    /// <summary>What is done about a file that cannot be opened, or is not of its format.</summary>
    /// <value>The flow fails and names the file.</value>
    public UnreadableFiles OnUnreadable { get; init; }

    /// <summary>Of CSV files: what is done about rows that cannot be read. Quarantine needs <see cref="Quarantine"/>.</summary>
    /// <value>The flow fails with the first.</value>
    public BadRows OnBadRows { get; init; }

    /// <summary>The file that rows which cannot be read are written to, with file, line, column, reason and text; its ending says its format.</summary>
    public string? Quarantine { get; init; }

    /// <summary>Takes files of different columns: by name, with null where a file lacks one.</summary>
    /// <value>False: columns must be the same in all files, and the first that differs is named.</value>
    public bool UnionByName { get; init; }

    /// <summary>Adds a column of this name with the file that a row is from.</summary>
    public string? FileColumn { get; init; }

    /// <summary>Of files of web servers, S3 and Azure Blob Storage: how they are fetched.</summary>
    /// <value>1 GiB ahead, 4 at once, 60 seconds without a byte, 5 attempts, credentials of the environment.</value>
    public RemoteReadOptions Remote { get; init; } = new();

    /// <summary>Of images: the size that they are decoded to.</summary>
    /// <value>They are not decoded.</value>
    public ImageReadOptions? Images { get; init; }

    /// <summary>Of CSV files: the delimiter.</summary>
    /// <value>Found out.</value>
    public char? Delimiter { get; init; }

    /// <summary>Of CSV files: whether the first line has the columns' names.</summary>
    /// <value>Found out.</value>
    public bool? Header { get; init; }

    /// <summary>Of CSV files: types of columns in DuckDB's names, such as "delay" to "INTEGER".</summary>
    /// <value>Found out from the first rows.</value>
    public IReadOnlyDictionary<string, string> Types { get; init; } = new Dictionary<string, string>();
}

/// <summary>What is done about files that cannot be read.</summary>
public enum UnreadableFiles
{
    /// <summary>The flow fails and names the file.</summary>
    Fail,
    /// <summary>They are left out, and listed in <see cref="FlowProgress.SkippedFiles"/>. What shows only in the middle of a file ends the flow all the same.</summary>
    Skip,
}
