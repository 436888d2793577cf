using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text.Json;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>Serves one connection: runs the attempts it is told to, and answers with progress and results.</summary>
internal sealed class WorkerServer(StageHost host, FrameConnection connection, ContentStore? tracked)
{
    private readonly ConcurrentDictionary<long, Attempt> _running = new();

    /// <summary>Serves until the pool closes.</summary>
    public void Serve() => connection.Read(OnFrame);

    private void OnFrame(FrameKind kind, long id, ReadOnlySpan<byte> payload)
    {
        switch (kind)
        {
            case FrameKind.Execute:
                // A light attempt ends inside this call; a heavy one goes to a thread of its own.
                _ = ExecuteAsync(id, JsonSerializer.Deserialize(payload, WorkerJson.Default.StageRequest)!);
                break;
            case FrameKind.Cancel when _running.TryGetValue(id, out var attempt):
                // Users' callbacks run on a thread of the pool: this one must go on reading.
                _ = attempt.Cancellation.CancelAsync();
                break;
            case FrameKind.Threads when _running.TryGetValue(id, out var attempt):
                attempt.Share.Threads = BinaryPrimitives.ReadInt32LittleEndian(payload);
                break;
            case FrameKind.Tracked when _running.TryGetValue(id, out var attempt):
                attempt.Tracker?.Durable(BinaryPrimitives.ReadInt64LittleEndian(payload));
                break;
            case FrameKind.TrackFailed when _running.TryGetValue(id, out var attempt):
                attempt.Tracker?.Fail(JsonSerializer.Deserialize(payload, WorkerJson.Default.ErrorInfo)!);
                break;
            case FrameKind.Ping:
                connection.Send(FrameKind.Pong, id);
                break;
        }
    }

    private async Task ExecuteAsync(long id, StageRequest request)
    {
        var cancellation = new CancellationTokenSource();
        var share = new ThreadShare(request.Limits.Threads);
        using var tracker = tracked is null || StageHost.IsLight(request.Operation) ? null : new StageTracker(tracked, new Transport(connection, id), TimeProvider.System);
        _running[id] = new Attempt(cancellation, share, tracker);
        try
        {
            var result = await host.ExecuteAsync(request, new Progress(connection, id), cancellation.Token, share, tracker).ConfigureAwait(false);
            connection.Send(FrameKind.Completed, id, result, WorkerJson.Default.StageResult);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            connection.Send(FrameKind.Cancelled, id);
        }
#pragma warning disable CA1031 // Every failure is an answer.
        catch (Exception e)
#pragma warning restore CA1031
        {
            connection.Send(FrameKind.Failed, id, GristmillException.Describe(e), WorkerJson.Default.ErrorInfo);
        }
        finally
        {
            _running.TryRemove(id, out _);
        }
    }

    private sealed record Attempt(CancellationTokenSource Cancellation, ThreadShare Share, StageTracker? Tracker);

    private sealed class Transport(FrameConnection connection, long id) : ITrackTransport
    {
        public void Send(long sequence, ReadOnlySpan<byte> frame)
        {
            Span<byte> number = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(number, sequence);
            connection.Send(FrameKind.Track, id, number, frame);
        }
    }

    private sealed class Progress(FrameConnection connection, long id) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (!connection.Congested)
            {
                connection.Send(FrameKind.Progress, id, value, WorkerJson.Default.StageProgress);
            }
        }
    }
}
