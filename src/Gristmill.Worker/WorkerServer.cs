using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text.Json;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>Serves one connection: runs the attempts it is told to, and answers with progress and results.</summary>
internal sealed class WorkerServer(StageHost host, FrameConnection connection, ContentStore? tracked, LogMarks marks)
{
    private const int BeatMilliseconds = 50;

    private readonly ConcurrentDictionary<long, Attempt> _running = new();
    private long _beaten;

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
        using var tracker = tracked is null || StageHost.IsLight(request.Operation) ? null
            : new StageTracker(tracked, new Transport(connection, id), TimeProvider.System, SecretRedactor.Of(request.Secrets.Values));
        _running[id] = new Attempt(cancellation, share, tracker);
        var owns = !StageHost.IsLight(request.Operation);
        if (owns)
        {
            marks.Write(id, begins: true);
        }

        Action answer;
        try
        {
            var result = await host.ExecuteAsync(request, new Progress(connection, id), cancellation.Token, share, tracker, () => Beat(id)).ConfigureAwait(false);
            answer = () => connection.Send(FrameKind.Completed, id, result, WorkerJson.Default.StageResult);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            answer = () => connection.Send(FrameKind.Cancelled, id);
        }
#pragma warning disable CA1031 // Every failure is an answer.
        catch (Exception e)
#pragma warning restore CA1031
        {
            answer = () => connection.Send(FrameKind.Failed, id, GristmillException.Describe(e), WorkerJson.Default.ErrorInfo);
        }

        _running.TryRemove(id, out _);
        if (owns)
        {
            // Before the answer, after which this process may have the next attempt.
            LinuxProcess.EndChildren();
            marks.Write(id, begins: false);
        }

        answer();
    }

    /// <summary>Tells the pool that an attempt lives; a stage may say so in its innermost loop.</summary>
    private void Beat(long id)
    {
        var now = Environment.TickCount64;
        var last = Interlocked.Read(ref _beaten);
        if (now - last >= BeatMilliseconds && Interlocked.CompareExchange(ref _beaten, now, last) == last)
        {
            connection.Send(FrameKind.Heartbeat, id);
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
