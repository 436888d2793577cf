using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;

namespace Gristmill.Worker;

/// <summary>One worker process, seen from the pool: its connection, the attempts it has, how it ended.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The connection ends with the process, in FollowAsync.")]
internal sealed class WorkerHandle
{
    private const int LogLines = 50;

    private static readonly TimeSpan CancelGrace = TimeSpan.FromMilliseconds(900);
    // A grandchild may hold the worker's pipes open; a crash is reported without waiting for it.
    private static readonly TimeSpan LogGrace = TimeSpan.FromMilliseconds(300);

    private readonly ConcurrentDictionary<long, PendingAttempt> _pending = new();
    private readonly HashSet<string> _engines = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeProvider _time;
    private readonly LogRing _log;
    private readonly string _mark;
    private readonly Action _cleanUp;
    private readonly ITrackingStore? _tracking;
    private Process? _process;
    private FrameConnection? _connection;
    private Func<StageRequest, Exception>? _killReason;
    private WorkerExit _exit;
    private long _lastId;
    private long _pingSent;
    private long _pongSeen;
    private int _threads;
    private volatile bool _dead;

    /// <summary>Creates the handle; the process is started by <see cref="StartAsync"/>.</summary>
    /// <param name="number">Its number in the pool.</param>
    /// <param name="token">What it must show when it connects.</param>
    /// <param name="memoryLimit">The most memory an attempt in it may have, in bytes.</param>
    /// <param name="logPath">Log file of all that it prints, or null.</param>
    /// <param name="mark">An entry of its environment that no other process has.</param>
    /// <param name="cleanUp">Removes what a process that ended left, before its attempts are answered.</param>
    /// <param name="tracking">Keeps what attempts log; null: nobody.</param>
    /// <param name="time">Clock.</param>
    public WorkerHandle(int number, string token, long memoryLimit, string? logPath, string mark, Action cleanUp, ITrackingStore? tracking, TimeProvider time)
    {
        _mark = mark;
        _cleanUp = cleanUp;
        _tracking = tracking;
        Number = number;
        Token = token;
        MemoryLimit = memoryLimit;
        _log = new LogRing(LogLines, logPath, time, new LogMarks(token), OnMark);
        _time = time;
        LastUsed = time.GetTimestamp();
    }

    /// <summary>Its number in the pool.</summary>
    public int Number { get; }

    /// <summary>What it must show when it connects.</summary>
    public string Token { get; }

    /// <summary>The most memory it was started for, in bytes.</summary>
    public long MemoryLimit { get; }

    /// <summary>Its process id, once started.</summary>
    public int ProcessId { get; private set; }

    /// <summary>The heavy attempt it runs, guarded by the pool's lock.</summary>
    public AttemptSlot? Slot { get; set; }

    /// <summary>Heavy attempts it was given, guarded by the pool's lock.</summary>
    public int Attempts { get; set; }

    /// <summary>Threads its attempt may use, and may be told anew while it runs; 0 where the attempt's own limit is fixed. Set under the pool's lock.</summary>
    public int Threads
    {
        get => _threads;
        set
        {
            if (Interlocked.Exchange(ref _threads, value) == value || value == 0)
            {
                return;
            }

            foreach (var (id, attempt) in _pending)
            {
                Tell(id, attempt.Request, value);
            }
        }
    }

    /// <summary>When it last ended an attempt.</summary>
    public long LastUsed { get; private set; }

    /// <summary>Attempts it has now.</summary>
    public int InFlight => _pending.Count;

    /// <summary>Whether it is gone or going: it takes no more attempts.</summary>
    public bool IsDead => _dead;

    /// <summary>Whether it is connected.</summary>
    public bool IsReady => _ready.Task.IsCompletedSuccessfully && !_dead;

    /// <summary>Done once it is connected; fails if it cannot be started.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Done once the process is gone and every attempt has been answered.</summary>
    public Task Exited => _exited.Task;

    /// <summary>Whether it has used this engine before: its libraries are loaded then. Guarded by the pool's lock.</summary>
    public bool Knows(string engine) => _engines.Contains(engine);

    /// <summary>Notes an engine. Guarded by the pool's lock.</summary>
    public void Learn(string engine) => _engines.Add(engine);

    /// <summary>Starts the process and follows it to its end.</summary>
    public async Task StartAsync(WorkerSpawner spawner, Func<Process> start, TimeSpan timeout)
    {
        try
        {
            _process = await spawner.RunAsync(start).ConfigureAwait(false);
            ProcessId = _process.Id;
            _ = FollowAsync(_process);
            if (_dead)
            {
                Kill(null);
            }

            await _ready.Task.WaitAsync(timeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Kill(request => Lost(request, "did not start in time"));
        }
#pragma warning disable CA1031 // Whatever stopped the start is what its attempts are told.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _dead = true;
            if (_process is not null)
            {
                // It ended before it was ready: the one who follows it says so.
                return;
            }

            _ready.TrySetException(e);
            _ = _ready.Task.Exception;
            FailAll(_ => e);
            _log.Dispose();
            _exited.TrySetResult();
        }
    }

    /// <summary>Takes over the connection of a worker that has shown its token.</summary>
    public void Connect(Socket socket)
    {
        _connection = new FrameConnection(socket);
        _pongSeen = _pingSent = LastUsed = _time.GetTimestamp();
        _ready.TrySetResult();
    }

    /// <summary>Reads the connection on the calling thread until the worker is gone.</summary>
    public void Listen()
    {
        try
        {
            _connection!.Read(OnFrame);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidDataException or JsonException)
        {
            // A worker that breaks the protocol is as good as crashed.
        }

        // The connection is the worker's life: a process that goes on without it can do no work and is ended.
        _dead = true;
        if (!_exited.Task.Wait(LogGrace))
        {
            Kill(request => Lost(request, "closed its connection"));
        }
    }

    /// <summary>Runs an attempt.</summary>
    public async Task<StageResult> RunAsync(
        StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken, Action? heartbeat = null, AttemptLog? log = null)
    {
        await _ready.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        var id = Interlocked.Increment(ref _lastId);
        var receiver = _tracking is null ? null : new TrackReceiver(request, _tracking,
            sequence => Tracked(id, sequence), error => _connection?.Send(FrameKind.TrackFailed, id, error, WorkerJson.Default.ErrorInfo));
        var pending = new PendingAttempt(request, progress, receiver, heartbeat, log);
        _pending[id] = pending;
        try
        {
            if (_dead)
            {
                await _exited.Task.ConfigureAwait(false);
                throw Explain(request);
            }

            _connection!.Send(FrameKind.Execute, id, request, WorkerJson.Default.StageRequest);
            // What changed since the request was made up found nobody to tell.
            if (Volatile.Read(ref _threads) is var threads && threads != request.Limits.Threads)
            {
                Tell(id, request, threads);
            }


            using var registration = cancellationToken.CanBeCanceled
                ? cancellationToken.UnsafeRegister(_ => _ = CancelAsync(id, pending), null)
                : default;
            return await pending.Task.ConfigureAwait(false);
        }
        finally
        {
            if (log is not null && !_dead)
            {
                // The answer overtakes what was printed before it. A process that died has been listened to before it was answered for.
                await Task.WhenAny(pending.Printed.Task, _exited.Task, Task.Delay(LogGrace, TimeProvider.System)).ConfigureAwait(false);
            }

            _pending.TryRemove(id, out _);
            LastUsed = _time.GetTimestamp();
        }
    }

    private void Tracked(long id, long sequence)
    {
        Span<byte> payload = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(payload, sequence);
        _connection?.Send(FrameKind.Tracked, id, payload);
    }

    /// <summary>Tells an attempt its threads. Those that share a worker, the light ones, have none of their own.</summary>
    private void Tell(long id, StageRequest request, int threads)
    {
        if (threads > 0 && request.Limits.Threads > 0)
        {
            Span<byte> payload = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(payload, threads);
            _connection?.Send(FrameKind.Threads, id, payload);
        }
    }

    /// <summary>Kills the process; what it runs fails for this reason.</summary>
    public void Kill(Func<StageRequest, Exception>? reason)
    {
        Interlocked.CompareExchange(ref _killReason, reason, null);
        _dead = true;
        try
        {
            _process?.Kill(entireProcessTree: false);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception or NotSupportedException)
        {
            // It is gone already.
        }
    }

    /// <summary>Asks the process to end, and kills it if it does not.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        _dead = true;
        Interlocked.CompareExchange(ref _killReason, request => Lost(request, "was ended by the silo"), null);
        _ready.TrySetException(new GristmillException(ErrorCodes.WorkerCrashed, "A worker process was ended before it was ready."));
        _ = _ready.Task.Exception;
        if (_process is null)
        {
            return;
        }

        LinuxProcess.Terminate(ProcessId);
        try
        {
            await _exited.Task.WaitAsync(grace, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Kill(null);
            await _exited.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Sends a ping.</summary>
    /// <returns>How long the oldest ping has gone without an answer.</returns>
    public TimeSpan Ping()
    {
        var now = _time.GetTimestamp();
        var (sent, seen) = (Interlocked.Read(ref _pingSent), Interlocked.Read(ref _pongSeen));
        if (seen >= sent)
        {
            Interlocked.Exchange(ref _pingSent, now);
            _connection?.Send(FrameKind.Ping, 0);
            return TimeSpan.Zero;
        }

        return _time.GetElapsedTime(sent, now);
    }

    /// <summary>The error of an attempt on a worker that is gone or has been given up.</summary>
    public GristmillException Lost(StageRequest request, string what) =>
        With(new GristmillException(ErrorCodes.WorkerCrashed, $"Stage '{request.Stage}': its worker process {what}.", "Try again; the log says more."), request);

    private async Task FollowAsync(Process process)
    {
        var pumps = Task.WhenAll(_log.PumpAsync(process.StandardOutput.BaseStream), _log.PumpAsync(process.StandardError.BaseStream));
        await process.WaitForExitAsync().ConfigureAwait(false);
        _dead = true;
        // What it started must not outlive it, nor hold its pipes.
        LinuxProcess.EndLeftovers(ProcessId, _mark);
        await Task.WhenAny(pumps, Task.Delay(LogGrace, TimeProvider.System)).ConfigureAwait(false);
        _exit = new WorkerExit(process.ExitCode);
        if (_ready.TrySetException(new GristmillException(ErrorCodes.WorkerCrashed, $"A worker process ended with {_exit} before it was ready.",
            "Run 'mill doctor'.").With("log", string.Join('\n', _log.Tail()))))
        {
            _ = _ready.Task.Exception;
        }

        _cleanUp();
        _exited.TrySetResult();
        FailAll(Explain);
        _connection?.Dispose();
        process.Dispose();
        _log.Dispose();
    }

    private void OnFrame(FrameKind kind, long id, ReadOnlySpan<byte> payload)
    {
        if (kind == FrameKind.Pong)
        {
            Interlocked.Exchange(ref _pongSeen, _time.GetTimestamp());
            return;
        }

        if (!_pending.TryGetValue(id, out var pending))
        {
            return;
        }

        switch (kind)
        {
            case FrameKind.Progress:
                pending.Report(JsonSerializer.Deserialize(payload, WorkerJson.Default.StageProgress)!);
                break;
            case FrameKind.Track when payload.Length >= sizeof(long):
                pending.Tracking?.Take(BinaryPrimitives.ReadInt64LittleEndian(payload), payload[sizeof(long)..]);
                pending.Beat();
                break;
            case FrameKind.Heartbeat:
                pending.Beat();
                break;
            case FrameKind.Completed:
                pending.TrySetResult(JsonSerializer.Deserialize(payload, WorkerJson.Default.StageResult)!);
                break;
            case FrameKind.Failed:
                pending.TrySetException(new GristmillException(JsonSerializer.Deserialize(payload, WorkerJson.Default.ErrorInfo)!));
                break;
            case FrameKind.Cancelled:
                pending.TrySetException(new OperationCanceledException($"Stage '{pending.Request.Stage}' was cancelled."));
                break;
        }
    }

    /// <summary>The output of an attempt begins or ends.</summary>
    private void OnMark(long id, bool begins)
    {
        _pending.TryGetValue(id, out var pending);
        _log.Sink = begins ? pending?.Log : null;
        if (!begins)
        {
            pending?.Printed.TrySetResult();
        }
    }

    private async Task CancelAsync(long id, PendingAttempt pending)
    {
        _connection?.Send(FrameKind.Cancel, id);
        await Task.WhenAny(pending.Task, Task.Delay(CancelGrace, _time)).ConfigureAwait(false);
        if (!pending.Task.IsCompleted)
        {
            // Before the attempt is answered, so that nobody is given this worker any more.
            _dead = true;
            pending.TrySetException(new OperationCanceledException(
                $"Stage '{pending.Request.Stage}' did not look at its CancellationToken within a second; its worker process was ended."));
            Kill(request => Lost(request, "was ended with another attempt that did not let itself be cancelled"));
        }
    }

    private Exception Explain(StageRequest request) => _killReason is { } reason ? reason(request) : Crashed(request);

    private GristmillException Crashed(StageRequest request)
    {
        var error = new GristmillException(ErrorCodes.WorkerCrashed, $"Stage '{request.Stage}': its worker process ended with {_exit} while it ran.", _exit.Hint);
        error = _exit.Signal is { } signal ? error.With("signal", signal) : error;
        return With(error, request).With("exitCode", _exit.ExitCode.ToString(CultureInfo.InvariantCulture));
    }

    private GristmillException With(GristmillException error, StageRequest request) =>
        error.With("stage", request.Stage).With("pid", ProcessId.ToString(CultureInfo.InvariantCulture)).With("log", string.Join('\n', _log.Tail()));

    private void FailAll(Func<StageRequest, Exception> error)
    {
        foreach (var pending in _pending.Values)
        {
            pending.TrySetException(error(pending.Request));
        }
    }
}
