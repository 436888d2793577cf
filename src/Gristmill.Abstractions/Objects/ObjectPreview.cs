using System.Text.Json;

namespace Gristmill;

/// <summary>The first rows of an object.</summary>
public sealed record ObjectPreview
{
    /// <summary>The most rows of a preview.</summary>
    public const int MaxRows = 1000;

    /// <summary>The object.</summary>
    public required string Id { get; init; }
    /// <summary>Names of its columns.</summary>
    public required IReadOnlyList<string> Columns { get; init; }
    /// <summary>
    /// Its first rows, a value a column. Bytes are base 64, NaN and infinities null; longer texts and lists are cut at 1,000 characters and 100 elements,
    /// with "..." at their end.
    /// </summary>
    public required IReadOnlyList<IReadOnlyList<JsonElement>> Rows { get; init; }
    /// <summary>Rows of the whole object.</summary>
    public required long Total { get; init; }
}
