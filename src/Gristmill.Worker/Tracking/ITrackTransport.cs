namespace Gristmill.Worker;

/// <summary>Takes frames to the silo's store. The answers come as <see cref="StageTracker.Durable"/> and <see cref="StageTracker.Fail"/>.</summary>
internal interface ITrackTransport
{
    /// <summary>Sends a frame; its bytes may be used again when it returns. It does not block.</summary>
    void Send(long sequence, ReadOnlySpan<byte> frame);
}
