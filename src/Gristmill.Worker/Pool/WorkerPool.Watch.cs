namespace Gristmill.Worker;

// Ends workers that are over their memory limit, hung, or idle.
internal sealed partial class WorkerPool
{
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
}
