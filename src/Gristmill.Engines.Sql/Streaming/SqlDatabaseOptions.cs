namespace Gristmill.Engines.Sql;

/// <summary>What one database may use.</summary>
public sealed record SqlDatabaseOptions
{
    /// <summary>Threads of its own.</summary>
    /// <value>One a processor.</value>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Bytes of memory beyond which it spills to <see cref="TempDirectory"/>.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Folder under which it gets a folder of its own for what does not fit in memory; removed with the database.</summary>
    /// <value>The system's folder for temporary files.</value>
    public string TempDirectory { get; init; } = Path.GetTempPath();

    /// <summary>Told, about ten times a second while a statement runs, which share of its input is read, where DuckDB knows.</summary>
    public Action<double>? Progress { get; init; }

    /// <summary>Bytes of results that wait to be read.</summary>
    /// <value>1 MiB: more leaves the processor's cache (3 million rows of two columns took .05 s with 1 MiB, .08 s with 8, .30 s with 64).</value>
    public long ResultBytes { get; init; } = 1L << 20;
}
