namespace Gristmill.Engines.Sql;

/// <summary>What DuckDB may use.</summary>
public sealed record SqlEngineOptions
{
    /// <summary>Folder under which each attempt gets a folder of its own for what does not fit in memory; removed after the attempt.</summary>
    /// <value>The system's folder for temporary files.</value>
    public string TempDirectory { get; init; } = Path.GetTempPath();

    /// <summary>Memory of one attempt in MiB, beyond which DuckDB spills to <see cref="TempDirectory"/>.</summary>
    /// <value>0: three quarters of the attempt's own memory limit, or half of what the process may use where it has none.</value>
    public int MemoryMiB { get; init; }
}
