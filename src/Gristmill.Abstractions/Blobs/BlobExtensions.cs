using System.Security.Cryptography;

namespace Gristmill;

/// <summary>Stores and reads blobs, chunk by chunk.</summary>
public static class BlobExtensions
{
    private const int ChunksAtOnce = 8;

    /// <summary>Stores bytes; completes when all of them are durable. The same bytes again cost no write.</summary>
    /// <exception cref="GristmillException">The store refused a chunk; those written before it are removed again.</exception>
    public static async Task<BlobRef> PutBlobAsync(this IGrainFactory grains, ReadOnlyMemory<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(grains);
        var blob = BlobRef.Of(bytes.Span);
        var written = new List<int>();
        try
        {
            foreach (var chunks in Enumerable.Range(0, blob.Chunks).Chunk(ChunksAtOnce))
            {
                var puts = chunks.Select(async i =>
                {
                    var start = i * BlobRef.ChunkSize;
                    var chunk = bytes.Slice(start, Math.Min(BlobRef.ChunkSize, bytes.Length - start)).ToArray();
                    if (await grains.GetGrain<IBlobChunkGrain>(blob.Key(i)).PutAsync(new BlobChunk(chunk)))
                    {
                        lock (written)
                        {
                            written.Add(i);
                        }
                    }
                });
                await Task.WhenAll(puts);
            }

            return blob;
        }
        catch
        {
            foreach (var i in written)
            {
                await grains.GetGrain<IBlobChunkGrain>(blob.Key(i)).DeleteAsync()
                    .ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            }

            throw;
        }
    }

    /// <summary>Reads bytes back and checks them against their digest.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>: a chunk is missing. <see cref="ErrorCodes.StorageCorrupt"/>: they are not what they were.</exception>
    public static async Task<byte[]> GetBlobAsync(this IGrainFactory grains, BlobRef blob)
    {
        ArgumentNullException.ThrowIfNull(grains);
        ArgumentNullException.ThrowIfNull(blob);
        if (blob.Chunks < 1 || blob.Bytes < 0 || blob.Bytes > (long)blob.Chunks * BlobRef.ChunkSize)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{blob.Bytes} bytes do not fit in {blob.Chunks} chunks.");
        }

        var bytes = new byte[blob.Bytes];
        foreach (var chunks in Enumerable.Range(0, blob.Chunks).Chunk(ChunksAtOnce))
        {
            await Task.WhenAll(chunks.Select(async i =>
            {
                var chunk = await grains.GetGrain<IBlobChunkGrain>(blob.Key(i)).GetAsync() ?? throw new GristmillException(
                    ErrorCodes.NotFound, $"Chunk {i} of {blob.Chunks} of blob {blob.Digest} is not stored.", "Store it again, then refer to it.");
                var start = (long)i * BlobRef.ChunkSize;
                if (chunk.Bytes.Length != Math.Min(BlobRef.ChunkSize, blob.Bytes - start))
                {
                    throw Damaged(blob);
                }

                chunk.Bytes.CopyTo(bytes.AsSpan((int)start));
            }));
        }

        return Convert.ToHexStringLower(SHA256.HashData(bytes)) == blob.Digest ? bytes : throw Damaged(blob);
    }

    /// <summary>Forgets bytes that nothing refers to any more; again changes nothing.</summary>
    public static async Task DeleteBlobAsync(this IGrainFactory grains, BlobRef blob)
    {
        ArgumentNullException.ThrowIfNull(grains);
        ArgumentNullException.ThrowIfNull(blob);
        foreach (var chunks in Enumerable.Range(0, blob.Chunks).Chunk(ChunksAtOnce))
        {
            await Task.WhenAll(chunks.Select(i => grains.GetGrain<IBlobChunkGrain>(blob.Key(i)).DeleteAsync()));
        }
    }

    private static GristmillException Damaged(BlobRef blob) => new(
        ErrorCodes.StorageCorrupt, $"Blob {blob.Digest} of {blob.Bytes} bytes is not what was stored.", "Restore the state store from a backup, or store it again.");
}
