using Gristmill.Grains.State;

namespace Gristmill.Grains.Blobs;

/// <summary>A stored chunk.</summary>
[GenerateSerializer, Alias("gristmill.state.BlobChunk")]
internal sealed record BlobChunkState
{
    [Id(0)] public BlobChunk? Chunk { get; init; }
}

/// <inheritdoc cref="IBlobChunkGrain"/>
/// <remarks>Collected soon: who reads a blob puts it together and keeps that, not its chunks.</remarks>
[GrainType("gristmill.blob"), CollectionAgeLimit(Minutes = 2)]
internal sealed class BlobChunkGrain([PersistentState("chunk", StorageNames.Gristmill)] IPersistentState<BlobChunkState> state) : Grain, IBlobChunkGrain
{
    private readonly Durable<BlobChunkState> _state = new(state);

    public async Task<bool> PutAsync(BlobChunk chunk)
    {
        ArgumentNullException.ThrowIfNull(chunk);
        if (chunk.Bytes is null || chunk.Bytes.Length > BlobRef.ChunkSize)
        {
            throw new GristmillException(
                ErrorCodes.Invalid, $"A chunk of {chunk.Bytes?.Length ?? 0} bytes; at most {BlobRef.ChunkSize} are possible.", "Split it.");
        }

        if (_state.Value.Chunk is { } known && known.Bytes.AsSpan().SequenceEqual(chunk.Bytes))
        {
            return false;
        }

        await _state.SetAsync(new BlobChunkState { Chunk = chunk });
        return true;
    }

    public Task<BlobChunk?> GetAsync() => Task.FromResult(_state.Value.Chunk);

    public async Task DeleteAsync()
    {
        await _state.ClearAsync();
        DeactivateOnIdle();
    }
}
