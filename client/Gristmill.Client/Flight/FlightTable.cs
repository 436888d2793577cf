using Apache.Arrow;

namespace Gristmill.Client;

/// <summary>A table that can be read by Arrow Flight.</summary>
public sealed record FlightTable
{
    /// <summary>Its columns.</summary>
    public required Schema Schema { get; init; }

    /// <summary>Its rows; -1: unknown.</summary>
    public required long Rows { get; init; }

    /// <summary>Bytes of its objects; -1: unknown.</summary>
    public required long Bytes { get; init; }

    /// <summary>The object's id; null for a table of several, such as the items of a loop, and for the result of a query.</summary>
    public string? Id { get; init; }

    /// <summary>Its parts, in order: what to ask for each with. They may be read in parallel.</summary>
    public required IReadOnlyList<ReadOnlyMemory<byte>> Tickets { get; init; }
}
