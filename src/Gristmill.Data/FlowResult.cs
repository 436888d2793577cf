namespace Gristmill.Data;

/// <summary>What a flow has done.</summary>
/// <param name="Path">The file or folder that it wrote; null where it wrote none.</param>
/// <param name="Progress">Rows, time, memory, and what was left out.</param>
public sealed record FlowResult(string? Path, FlowProgress Progress)
{
    /// <summary>Rows of the result.</summary>
    public long Rows => Progress.Rows;

    /// <summary>Whether another execution of the same stage of the same run had written them to the database: then nothing was done, and the rows are those it wrote.</summary>
    public bool WasWritten { get; init; }
}
