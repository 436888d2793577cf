namespace Gristmill.Data;

/// <summary>How far a flow is.</summary>
public sealed record FlowProgress
{
    /// <summary>Rows of the result so far.</summary>
    public required long Rows { get; init; }

    /// <summary>Blocks of the result so far.</summary>
    public required long Blocks { get; init; }

    /// <summary>Share of the input that is read, from 0 to 1; null where that is not known.</summary>
    public double? Fraction { get; init; }

    /// <summary>Bytes of the input files; null where there are none.</summary>
    public long? BytesTotal { get; init; }

    /// <summary>Bytes of them that are read, by <see cref="Fraction"/>.</summary>
    public long? BytesRead => Fraction is { } share && BytesTotal is { } total ? (long)(share * total) : null;

    /// <summary>Since the flow was started.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>What it will take from now, if it goes on as so far; null where that is not known.</summary>
    public TimeSpan? Remaining => Fraction is > 0 and var share ? (Elapsed / share) - Elapsed : null;

    /// <summary>Bytes of blocks now on their way.</summary>
    public required long MemoryInUse { get; init; }

    /// <summary>The most bytes of blocks that were on their way at once.</summary>
    public required long PeakMemory { get; init; }

    /// <summary>Rows of CSV files that were left out.</summary>
    public long BadRows { get; init; }

    /// <summary>Files that could not be read and were left out, with the reason.</summary>
    public IReadOnlyList<SkippedInput> SkippedFiles { get; init; } = [];

    /// <summary>Whether the flow is done.</summary>
    public bool Completed { get; init; }
}

/// <summary>A file that a flow has left out.</summary>
/// <param name="Path">The file.</param>
/// <param name="Reason">Why it cannot be read.</param>
public sealed record SkippedInput(string Path, string Reason);
