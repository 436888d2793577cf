namespace Gristmill;

/// <summary>Names a file in the content store.</summary>
/// <param name="Digest">Digest of the folder that holds the file alone, 64 hexadecimal digits.</param>
/// <param name="Name">The file's name, without a folder.</param>
/// <param name="Bytes">Its size in bytes.</param>
[GenerateSerializer, Immutable, Alias("gristmill.FileRef")]
public sealed record FileRef([property: Id(0)] string Digest, [property: Id(1)] string Name, [property: Id(2)] long Bytes);
