using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gristmill.Objects;
using Microsoft.Extensions.Logging;

namespace Gristmill.Worker;

/// <summary>
/// The worker processes: starts them when attempts come, gives each heavy attempt one of its own, ends those that are idle,
/// hung, worn out or over their memory limit. All state is guarded by one lock; nothing is awaited under it.
/// </summary>
internal sealed partial class WorkerPool : IAsyncDisposable
{
    private const int LogLines = 50;
    private static readonly TimeSpan BusyPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan IdlePoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HelloGrace = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly List<WorkerHandle> _workers = [];
    private readonly LinkedList<Waiter> _waiters = new();
    private readonly ObjectStore _objects;
    private readonly ContentStore _content;
    private readonly WorkerPoolOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly RuntimeFolder _folder;
    private readonly Socket _listener;
    private readonly WorkerSpawner _spawner = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private readonly Task _watching;
    private readonly long _memoryLimit;
    private int _lastNumber;
    private bool _stopped;

    public WorkerPool(ObjectStore objects, ContentStore content, WorkerPoolOptions options, TimeProvider time, ILogger logger)
    {
        WorkerPoolOptionsValidator.Validate(options);
        (_objects, _content, _options, _time, _logger) = (objects, content, options, time, logger);
        _memoryLimit = options.MemoryMiB > 0
            ? (long)options.MemoryMiB << 20
            : Math.Max(256L << 20, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3 / options.Slots);
        _folder = RuntimeFolder.Create(options.RuntimeDirectory);
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(_folder.Socket));
        _listener.Listen();
        _accepting = AcceptAsync();
        _watching = WatchAsync();
    }

    /// <summary>The workers now.</summary>
    public IReadOnlyList<WorkerInfo> Describe()
    {
        WorkerHandle[] workers;
        lock (_gate)
        {
            workers = [.. _workers];
        }

        return [.. workers.Where(w => w.IsReady).Select(w =>
            new WorkerInfo(w.Number, w.ProcessId, w.Slot is not null, w.Attempts, ProcessMemory.Of(w.ProcessId).Anonymous))];
    }

    /// <summary>Starts workers until there are so many, and waits until they are ready.</summary>
    public Task WarmUpAsync(int count, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped, typeof(WorkerStageExecutor));
            while (Alive < Math.Min(count, _options.Slots))
            {
                Add(_memoryLimit);
            }

            return Task.WhenAll(_workers.Where(w => !w.IsDead).Select(w => w.Ready)).WaitAsync(cancellationToken);
        }
    }

    /// <summary>A worker for light attempts; many share it.</summary>
    public WorkerHandle Share()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped, typeof(WorkerStageExecutor));
            WorkerHandle? best = null;
            foreach (var worker in _workers)
            {
                // A worker with a heavy attempt may be killed with it: it is the second choice.
                if (!worker.IsDead && (best is null || Rank(worker) < Rank(best)))
                {
                    best = worker;
                }
            }

            return best is null || (best.Slot is not null && Alive < _options.Slots) ? Add(_memoryLimit) : best;
        }

        static int Rank(WorkerHandle worker) => (worker.IsReady ? 0 : 1 << 29) + (worker.Slot is null ? 0 : 1 << 28) + worker.InFlight;
    }

    /// <summary>Waits for a worker of the attempt's own. Give it back with <see cref="Release"/>.</summary>
    /// <returns>The worker, and the request with the limits it runs under filled in.</returns>
    public async ValueTask<(WorkerHandle Worker, StageRequest Request)> AcquireAsync(StageRequest request, CancellationToken cancellationToken)
    {
        var limit = request.Limits.MemoryMiB > 0 ? (long)request.Limits.MemoryMiB << 20 : _memoryLimit;
        var waiter = new Waiter(new AttemptSlot(request, limit));
        LinkedListNode<Waiter> node;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped, typeof(WorkerStageExecutor));
            node = _waiters.AddLast(waiter);
            Dispatch();
        }

        if (!waiter.Task.IsCompleted)
        {
            using var registration = cancellationToken.UnsafeRegister(_ =>
            {
                lock (_gate)
                {
                    if (node.List is not null)
                    {
                        _waiters.Remove(node);
                        waiter.TrySetCanceled(cancellationToken);
                    }
                }
            }, null);
            return await waiter.Task.ConfigureAwait(false);
        }

        return await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Gives a worker back.</summary>
    public void Release(WorkerHandle worker)
    {
        lock (_gate)
        {
            worker.Slot = null;
            if (worker.Attempts >= _options.MaxAttempts)
            {
                Retire(worker);
            }

            Dispatch();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        WorkerHandle[] workers;
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            _stopped = true;
            workers = [.. _workers];
            _workers.Clear();
            foreach (var waiter in _waiters)
            {
                waiter.TrySetException(new ObjectDisposedException(nameof(WorkerStageExecutor)));
            }

            _waiters.Clear();
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await Task.WhenAll(workers.Select(w => w.StopAsync(StopGrace)).Append(_accepting).Append(_watching)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _spawner.Dispose();
        _folder.Dispose();
        _stopping.Dispose();
    }

    // Those that are ending have been given up already, and do not count. Under the lock.
    private int Alive => _workers.Count(w => !w.IsDead);

    /// <summary>Gives waiting attempts to workers, first come first served. Under the lock.</summary>
    private void Dispatch()
    {
        while (_waiters.First is { Value: var waiter } && Find(waiter.Slot) is { } worker)
        {
            _waiters.RemoveFirst();
            worker.Slot = waiter.Slot;
            worker.Attempts++;
            worker.Learn(Engine(waiter.Slot.Request));
            waiter.TrySetResult((worker, waiter.Slot.Request with
            {
                Limits = waiter.Slot.Request.Limits with { Threads = Threads(waiter.Slot.Request), MemoryMiB = (int)(waiter.Slot.MemoryLimit >> 20) },
            }));
        }
    }

    /// <summary>A free worker, one that has the engine loaded if there is one; else a new one if there is room; else none. Under the lock.</summary>
    private WorkerHandle? Find(AttemptSlot slot)
    {
        var engine = Engine(slot.Request);
        WorkerHandle? free = null;
        foreach (var worker in _workers)
        {
            if (worker.Slot is null && !worker.IsDead && (free is null || Fit(worker) > Fit(free)))
            {
                free = worker;
            }
        }

        if (free is not null && free.MemoryLimit < slot.MemoryLimit)
        {
            // Its managed heap was bounded at its start, for less.
            Retire(free);
            free = null;
        }

        return free ?? (Alive < _options.Slots ? Add(Math.Max(_memoryLimit, slot.MemoryLimit)) : null);

        int Fit(WorkerHandle worker) => (worker.MemoryLimit >= slot.MemoryLimit ? 4 : 0) + (worker.Knows(engine) ? 2 : 0) + (worker.IsReady ? 1 : 0);
    }

    private static string Engine(StageRequest request) => request.Operation.Split('.', 2)[0];

    /// <summary>All processors for an attempt that is alone, its share of them otherwise: engines that fight for cores are slower than engines that split them. Under the lock.</summary>
    private int Threads(StageRequest request) =>
        request.Limits.Threads > 0 ? request.Limits.Threads
        : _options.ThreadsPerSlot > 0 ? _options.ThreadsPerSlot
        : Math.Max(1, Environment.ProcessorCount / Math.Max(1, _workers.Count(w => w.Slot is not null)));

    /// <summary>Starts a worker. Under the lock.</summary>
    private WorkerHandle Add(long memoryLimit)
    {
        var number = ++_lastNumber;
        var settings = new WorkerSettings
        {
            Parent = Environment.ProcessId,
            Number = number,
            Socket = _folder.Socket,
            Token = Convert.ToHexString(RandomNumberGenerator.GetBytes(32)),
            Objects = _objects.Options.Directory,
            ObjectsCapacity = _objects.Options.CapacityBytes,
            Content = _content.Root,
            BaseDirectory = _options.BaseDirectory,
            Threads = _options.ThreadsPerSlot > 0 ? _options.ThreadsPerSlot : Environment.ProcessorCount,
        };
        var path = _options.LogDirectory is { } folder ? Path.Combine(folder, $"worker-{number % _options.Slots}.log") : null;
        var worker = new WorkerHandle(number, settings.Token, memoryLimit, new LogRing(LogLines, path, _time), CleanUp, _time);
        _workers.Add(worker);
        _ = FollowAsync(worker, () => WorkerLauncher.Start(settings, memoryLimit, _options.Environment));
        return worker;
    }

    /// <summary>A process that ended in mid-write leaves segments that nobody will seal: their room is given back at once.</summary>
    private void CleanUp()
    {
        try
        {
            _objects.Sweep();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            LogNotSwept(e.Message);
        }
    }

    private async Task FollowAsync(WorkerHandle worker, Func<Process> start)
    {
        var begun = _time.GetTimestamp();
        await worker.StartAsync(_spawner, start, _options.StartTimeout).ConfigureAwait(false);
        if (worker.IsReady)
        {
            LogStarted(worker.Number, worker.ProcessId, _time.GetElapsedTime(begun).TotalMilliseconds);
        }

        await worker.Exited.ConfigureAwait(false);
        LogEnded(worker.Number, worker.ProcessId);
        lock (_gate)
        {
            _workers.Remove(worker);
            if (!_stopped)
            {
                Dispatch();
            }
        }
    }

    /// <summary>Takes a worker out and ends it. Under the lock.</summary>
    private void Retire(WorkerHandle worker)
    {
        _workers.Remove(worker);
        _ = Task.Run(() => worker.StopAsync(StopGrace));
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }

            _ = GreetAsync(socket);
        }
    }

    /// <summary>Reads the first frame and hands the connection to the worker whose token it shows.</summary>
    private async Task GreetAsync(Socket socket)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            patience.CancelAfter(HelloGrace);
            // Read exactly the frame: what follows belongs to the connection's own reader.
            var head = new byte[13];
            await ReadExactlyAsync(socket, head, patience.Token).ConfigureAwait(false);
            var length = BitConverter.ToInt32(head) - 9;
            if ((FrameKind)head[4] == FrameKind.Hello && length is > 0 and < 4096)
            {
                var payload = new byte[length];
                await ReadExactlyAsync(socket, payload, patience.Token).ConfigureAwait(false);
                var hello = JsonSerializer.Deserialize(payload, WorkerJson.Default.WorkerHello)!;
                lock (_gate)
                {
                    var worker = _workers.Find(w => w.Number == hello.Number);
                    if (worker is { IsReady: false }
                        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(worker.Token), Encoding.UTF8.GetBytes(hello.Token ?? "")))
                    {
                        worker.Connect(socket);
                        return;
                    }
                }
            }

            LogStranger();
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or JsonException or ObjectDisposedException)
        {
            LogStranger();
        }

        socket.Dispose();
    }

    private static async Task ReadExactlyAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            var read = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false);
            buffer = read > 0 ? buffer[read..] : throw new EndOfStreamException();
        }
    }

    private async Task WatchAsync()
    {
        var sincePing = TimeSpan.Zero;
        while (!_stopping.IsCancellationRequested)
        {
            WorkerHandle[] workers;
            lock (_gate)
            {
                workers = [.. _workers.Where(w => w.IsReady)];
            }

            var poll = workers.Any(w => w.Slot is not null) ? BusyPoll : IdlePoll;
            try
            {
                await Task.Delay(poll, _time, _stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            Array.ForEach(workers, CheckMemory);
            if ((sincePing += poll) >= IdlePoll)
            {
                sincePing = TimeSpan.Zero;
                Array.ForEach(workers, CheckAlive);
                EndIdle();
            }
        }
    }

    private void CheckMemory(WorkerHandle worker)
    {
        if (worker.Slot is not { } slot || ProcessMemory.Of(worker.ProcessId).Anonymous is var own && own <= slot.MemoryLimit)
        {
            return;
        }

        LogOverMemory(worker.Number, worker.ProcessId, own >> 20, slot.MemoryLimit >> 20);
        worker.Kill(request => !StageHost.IsLight(request.Operation)
            ? StageErrors.OverMemory(request, slot.MemoryLimit, own)
            : worker.Lost(request, "was ended with another attempt that took too much memory"));
    }

    private void CheckAlive(WorkerHandle worker)
    {
        if (worker.Ping() > _options.PingTimeout)
        {
            LogHung(worker.Number, worker.ProcessId);
            worker.Kill(request => worker.Lost(request, "stopped answering"));
        }
    }

    /// <summary>Ends workers that are idle for long: all but the warm ones, and those too if the libraries they loaded hold much memory.</summary>
    private void EndIdle()
    {
        lock (_gate)
        {
            var idle = _workers
                .Where(w => w.IsReady && w.Slot is null && w.InFlight == 0 && _time.GetElapsedTime(w.LastUsed) > _options.IdleTimeout)
                .Select(w => (Worker: w, Own: ProcessMemory.Of(w.ProcessId).Anonymous))
                .OrderByDescending(w => w.Own)
                .ToList();
            var left = Alive;
            foreach (var (worker, own) in idle)
            {
                if (left > _options.KeepWarm || own > (long)_options.IdleMemoryMiB << 20)
                {
                    left--;
                    LogIdle(worker.Number, worker.ProcessId);
                    Retire(worker);
                }
            }
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "Worker {Number} (process {ProcessId}) is ready after {Milliseconds:0} ms.")]
    private partial void LogStarted(int number, int processId, double milliseconds);

    [LoggerMessage(2, LogLevel.Debug, "Worker {Number} (process {ProcessId}) has ended.")]
    private partial void LogEnded(int number, int processId);

    [LoggerMessage(3, LogLevel.Warning, "Something connected to the workers' socket without a worker's token; it was turned away.")]
    private partial void LogStranger();

    [LoggerMessage(4, LogLevel.Warning, "Worker {Number} (process {ProcessId}) holds {Own} MiB of its own, above the limit of {Limit} MiB, and is killed.")]
    private partial void LogOverMemory(int number, int processId, long own, long limit);

    [LoggerMessage(5, LogLevel.Warning, "Worker {Number} (process {ProcessId}) stopped answering and is killed.")]
    private partial void LogHung(int number, int processId);

    [LoggerMessage(6, LogLevel.Debug, "Worker {Number} (process {ProcessId}) was idle for long and is ended.")]
    private partial void LogIdle(int number, int processId);

    [LoggerMessage(7, LogLevel.Warning, "What an ended worker left in the object store could not be removed: {Reason}")]
    private partial void LogNotSwept(string reason);

    private sealed class Waiter(AttemptSlot slot) : TaskCompletionSource<(WorkerHandle Worker, StageRequest Request)>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public AttemptSlot Slot => slot;
    }
}
