namespace Gristmill.Worker;

/// <summary>The silo's side of an attempt's tracking: puts frames into the store in their order, and answers each when it is durable.</summary>
internal sealed class TrackReceiver(StageRequest request, ITrackingStore store, Action<long> durable, Action<ErrorInfo> failed)
{
    private readonly TrackDecoder _decoder = new(request);
    private bool _broken;

    /// <summary>Takes a frame; it is stored after all that came before it.</summary>
    /// <exception cref="InvalidDataException">The frame is not of this protocol.</exception>
    public void Take(long sequence, ReadOnlySpan<byte> frame)
    {
        if (!Volatile.Read(ref _broken))
        {
            _ = StoreAsync(sequence, _decoder.Read(frame));
        }
    }

    private async Task StoreAsync(long sequence, TrackBatch batch)
    {
        try
        {
            await store.AppendAsync(batch).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever the store failed with is what the attempt is told.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Volatile.Write(ref _broken, true);
            failed(GristmillException.Describe(e));
            return;
        }

        durable(sequence);
    }
}
