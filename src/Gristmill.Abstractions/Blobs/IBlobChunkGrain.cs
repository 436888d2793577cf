namespace Gristmill;

/// <summary>One chunk of a blob, keyed by <see cref="BlobRef.Key"/>. <see cref="BlobExtensions"/> puts and gets whole blobs.</summary>
[Alias("gristmill.IBlobChunkGrain")]
public interface IBlobChunkGrain : IGrainWithStringKey
{
    /// <summary>Stores the chunk.</summary>
    /// <returns>False: it was there already, and nothing was written.</returns>
    [Alias("Put")]
    Task<bool> PutAsync(BlobChunk chunk);
    /// <summary>The chunk, or null.</summary>
    [Alias("Get")]
    Task<BlobChunk?> GetAsync();
    /// <summary>Forgets the chunk; again changes nothing.</summary>
    [Alias("Delete")]
    Task DeleteAsync();
}

/// <summary>The bytes of a chunk.</summary>
/// <param name="Bytes">At most <see cref="BlobRef.ChunkSize"/>.</param>
[GenerateSerializer, Immutable, Alias("gristmill.BlobChunk")]
public sealed record BlobChunk([property: Id(0)] byte[] Bytes);
