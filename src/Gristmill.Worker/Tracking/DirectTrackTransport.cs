namespace Gristmill.Worker;

/// <summary>For attempts in the silo's own process: the same frames, without a socket between.</summary>
internal sealed class DirectTrackTransport : ITrackTransport
{
    private TrackReceiver? _receiver;

    /// <summary>Makes a tracker that puts into a store.</summary>
    public static StageTracker Track(StageRequest request, Objects.ContentStore content, ITrackingStore store, TimeProvider time)
    {
        var transport = new DirectTrackTransport();
        var tracker = new StageTracker(content, transport, time, SecretRedactor.Of(request.Secrets.Values));
        transport._receiver = new TrackReceiver(request, store, tracker.Durable, tracker.Fail);
        return tracker;
    }

    public void Send(long sequence, ReadOnlySpan<byte> frame) => _receiver!.Take(sequence, frame);
}
