namespace Gristmill.Data;

/// <summary>What a flow may use, and whom it tells how far it is.</summary>
public sealed record FlowOptions
{
    internal const long SmallestMemory = 64L << 20;

    /// <summary>Bytes of memory: of blocks on their way and of DuckDB, which spills beyond its share of it. At least 64 MiB.</summary>
    /// <value>A quarter of what the process may use.</value>
    public long MemoryLimit { get; init; } = Math.Max(4 * SmallestMemory, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);

    /// <summary>Threads of each step in C#, and of SQL that does more than pick columns and rows.</summary>
    /// <value>One a processor.</value>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Folder for what SQL spills; what is in it goes with the flow.</summary>
    /// <value>The system's folder for temporary files.</value>
    public string TempDirectory { get; init; } = Path.GetTempPath();

    /// <summary>Folder that relative paths begin at.</summary>
    /// <value>The process's current folder.</value>
    public string? BaseDirectory { get; init; }

    /// <summary>Told how far the flow is, about five times a second and at its end.</summary>
    public IProgress<FlowProgress>? Progress { get; init; }

    /// <summary>The clock of progress.</summary>
    /// <value>The system's.</value>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal FlowOptions Check()
    {
        var wrong = new List<string>();
        if (MemoryLimit < SmallestMemory)
        {
            wrong.Add($"MemoryLimit is {MemoryLimit} bytes, and must be at least {SmallestMemory}");
        }

        if (Workers is < 1 or > 1024)
        {
            wrong.Add($"Workers is {Workers}, and must be 1 to 1024");
        }

        return wrong.Count == 0 ? this : throw new GristmillException(ErrorCodes.Invalid, $"The options of a flow are wrong: {string.Join("; ", wrong)}.", "Correct them.");
    }
}
