namespace Gristmill;

/// <summary>
/// Names one immutable Arrow table of the object store. This is what grains, the SDK and REST pass around:
/// table data itself never crosses a grain call.
/// </summary>
/// <param name="Id">Unique id of the object, 32 lower-case hexadecimal digits; also the name of its segment file.</param>
/// <param name="SchemaFingerprint">XxHash3 of the Arrow schema message, 16 hexadecimal digits: equal schemas, equal fingerprints.</param>
/// <param name="Rows">Number of rows over all record batches.</param>
/// <param name="Bytes">Size of the sealed segment in bytes.</param>
/// <param name="Host">The host whose memory holds the segment.</param>
[GenerateSerializer, Immutable, Alias("gristmill.ObjectRef")]
public sealed record ObjectRef(
    [property: Id(0)] string Id,
    [property: Id(1)] string SchemaFingerprint,
    [property: Id(2)] long Rows,
    [property: Id(3)] long Bytes,
    [property: Id(4)] string Host)
{
    /// <summary>XxHash3 over the segment up to its footer, 16 hexadecimal digits: with schema and rows it says what the table holds, whatever its id.</summary>
    [Id(5)] public string? Checksum { get; init; }
}
