namespace Gristmill;

/// <summary>What an attempt has printed, as it is kept.</summary>
/// <param name="Attempt">The attempt.</param>
/// <param name="Digest">Its name in the store of logs.</param>
/// <param name="Bytes">All that it printed, in bytes.</param>
/// <param name="Dropped">Bytes in the middle that were left out, as it printed more than is kept.</param>
[GenerateSerializer, Immutable, Alias("gristmill.StageLogRef")]
public sealed record StageLogRef(
    [property: Id(0)] int Attempt,
    [property: Id(1)] string Digest,
    [property: Id(2)] long Bytes,
    [property: Id(3)] long Dropped)
{
    /// <summary>The host and folder that it lies in, where silos do not share one.</summary>
    /// <value>null: every silo finds it.</value>
    [Id(4)] public string? Place { get; init; }
}
