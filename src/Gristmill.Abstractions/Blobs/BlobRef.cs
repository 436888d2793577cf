using System.Security.Cryptography;
using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>
/// Names bytes that are too large for one grain message: they are kept in chunks, and are found by what they are. What is
/// once written under a digest never changes.
/// </summary>
/// <param name="Digest">SHA-256 of the bytes, 64 lower-case hexadecimal digits.</param>
/// <param name="Chunks">Chunks they are kept in.</param>
/// <param name="Bytes">Their number.</param>
[GenerateSerializer, Immutable, Alias("gristmill.BlobRef")]
public sealed record BlobRef([property: Id(0)] string Digest, [property: Id(1)] int Chunks, [property: Id(2)] long Bytes)
{
    /// <summary>Bytes of a chunk, the last one aside: a message with one stays well below 64 KiB.</summary>
    public const int ChunkSize = 48 << 10;

    /// <summary>Whether the bytes fit in one chunk, and so in one message.</summary>
    [JsonIgnore] public bool IsSmall => Chunks <= 1;

    /// <summary>The name that bytes have, whether or not they are stored.</summary>
    public static BlobRef Of(ReadOnlySpan<byte> bytes) => new(
        Convert.ToHexStringLower(SHA256.HashData(bytes)), Math.Max(1, (bytes.Length + ChunkSize - 1) / ChunkSize), bytes.Length);

    /// <summary>The key of a chunk's grain.</summary>
    /// <param name="chunk">Counts from 0.</param>
    public string Key(int chunk) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Digest}/{chunk}");
}
