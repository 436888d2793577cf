using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Gristmill.Objects;
using Microsoft.Extensions.Logging;

namespace Gristmill.Worker;

/// <summary>
/// The worker processes: starts them when attempts come, gives each heavy attempt one of its own, ends those that are idle,
/// hung, worn out or over their memory limit. All state is guarded by one lock; nothing is awaited under it.
/// </summary>
internal sealed partial class WorkerPool : IAsyncDisposable
{
    private static readonly TimeSpan BusyPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan IdlePoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HelloGrace = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly List<WorkerHandle> _workers = [];
    private readonly LinkedList<Waiter> _waiters = new();
    private readonly ObjectStore _objects;
    private readonly ContentStore _content;
    private readonly ITrackingStore? _tracking;
    private readonly WorkerPoolOptions _options;
    private readonly StageFiles? _files;
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

    public WorkerPool(
        ObjectStore objects, ContentStore content, ITrackingStore? tracking, WorkerPoolOptions options, StageFiles? files, TimeProvider time, ILogger logger)
    {
        _files = files;
        WorkerPoolOptionsValidator.Validate(options);
        (_objects, _content, _tracking, _options, _time, _logger) = (objects, content, tracking, options, time, logger);
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

    /// <summary>Starts a worker if there is none.</summary>
    public void Prepare()
    {
        lock (_gate)
        {
            if (!_stopped && Alive == 0)
            {
                Add(_memoryLimit);
            }
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
        var dispatched = false;
        while (_waiters.First is { Value: var waiter } && Find(waiter.Slot) is { } worker)
        {
            dispatched = true;
            _waiters.RemoveFirst();
            worker.Slot = waiter.Slot;
            worker.Attempts++;
            worker.Threads = 0;
            worker.Learn(Engine(waiter.Slot.Request));
            waiter.TrySetResult((worker, waiter.Slot.Request with
            {
                Limits = waiter.Slot.Request.Limits with { Threads = Threads(waiter.Slot.Request), MemoryMiB = (int)(waiter.Slot.MemoryLimit >> 20) },
            }));
        }

        if (dispatched)
        {
            AddSpares();
        }

        Rebalance();
    }

    /// <summary>Starts workers ahead of the next attempts. Only when an attempt has got its worker: those that cannot start are not started for ever. Under the lock.</summary>
    private void AddSpares()
    {
        var busy = _workers.Count(static w => w.Slot is not null && !w.IsDead);
        while (Alive - busy < _options.Spare && Alive < _options.Slots)
        {
            Add(_memoryLimit);
        }
    }

    /// <summary>Tells attempts their share of the processors as others start and end. Under the lock.</summary>
    private void Rebalance()
    {
        foreach (var worker in _workers)
        {
            if (worker.Slot is { Request.Limits.Threads: 0 } slot)
            {
                worker.Threads = Threads(slot.Request);
            }
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
            Spill = _objects.Options.SpillDirectory,
            SpillCapacity = _objects.Options.SpillCapacityBytes,
            Recycled = _objects.Options.RecycledBytes,
            PutTimeout = _objects.Options.PutTimeout,
            Content = _content.Root,
            Checkpoints = _files?.Checkpoints,
            BaseDirectory = _options.BaseDirectory,
            Tracking = _tracking is not null,
            Threads = _options.ThreadsPerSlot > 0 ? _options.ThreadsPerSlot : Environment.ProcessorCount,
        };
        var path = _options.LogDirectory is { } folder ? Path.Combine(folder, $"worker-{number % _options.Slots}.log") : null;
        var mark = Guid.NewGuid().ToString("n");
        var worker = new WorkerHandle(number, settings.Token, memoryLimit, path, $"{WorkerLauncher.MarkVariable}={mark}", CleanUp, _tracking, _time);
        _workers.Add(worker);
        _ = FollowAsync(worker, () => WorkerLauncher.Start(settings, memoryLimit, new Dictionary<string, string>(_options.Environment) { [WorkerLauncher.MarkVariable] = mark }));
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

    private sealed class Waiter(AttemptSlot slot) : TaskCompletionSource<(WorkerHandle Worker, StageRequest Request)>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public AttemptSlot Slot => slot;
    }
}
