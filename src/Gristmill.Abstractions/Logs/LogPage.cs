namespace Gristmill;

/// <summary>Some of what an attempt has printed.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.LogPage")]
public sealed record LogPage
{
    /// <summary>The attempt.</summary>
    [Id(0)] public required int Attempt { get; init; }
    /// <summary>Where the text starts, in bytes of all that was printed. Later than asked for where bytes were left out.</summary>
    [Id(1)] public required long Offset { get; init; }
    /// <summary>Where the next page starts.</summary>
    [Id(2)] public required long Next { get; init; }
    /// <summary>All that the attempt has printed so far, in bytes.</summary>
    [Id(3)] public required long Bytes { get; init; }
    /// <summary>Bytes right before the text that were printed but not kept.</summary>
    [Id(4)] public long Dropped { get; init; }
    /// <summary>The text.</summary>
    [Id(5)] public string Text { get; init; } = "";
    /// <summary>Whether nothing comes after this page any more.</summary>
    [Id(6)] public bool Ended { get; init; }
}
