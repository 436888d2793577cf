using System.Globalization;
using Gristmill.Data.Execution;

namespace Gristmill.Data.Sources.Remote;

/// <summary>
/// Files of a run, those of servers fetched into a folder of its own before they are needed. What is there or on its way and not yet read has a bound in bytes;
/// the file that is read next is fetched whatever its size, so that nobody waits for ever. One whose length is not said is not fetched before it is next.
/// </summary>
internal sealed class FetchedFiles : IDisposable
{
    private readonly FlowRun _run;
    private readonly RemoteReadOptions _options;
    private readonly Slot[] _slots;
    private readonly object _gate = new();
    private readonly string _folder;
    private int _toFetch;
    private int _reading;
    private long _held;
    private bool _started;
    private bool _isAhead;

    public FetchedFiles(FlowRun run, FileRead read, IReadOnlyList<SourceFile> files)
    {
        (_run, _options) = (run, read.Options.Remote.Check());
        _slots = [.. files.Select(file => new Slot(file, Addresses.Is(file.Path) ? new WebFile(Addresses.Parse(file.Path), _options, run.Options.TimeProvider) : null))];
        // What a server says of one file does not depend on the others.
        Parallel.ForEachAsync(_slots.Where(static slot => slot.Web is not null), new ParallelOptions { MaxDegreeOfParallelism = _options.Connections, CancellationToken = run.Token }, LookAsync)
            .GetAwaiter().GetResult();
        _folder = Directory.CreateDirectory(Path.Combine(run.Options.TempDirectory, $"gristmill-fetched-{Guid.NewGuid():N}")).FullName;
        run.OnEnd(() =>
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        });
    }

    /// <summary>Bytes of all, as far as their servers say.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return _slots.Sum(static slot => slot.Bytes);
            }
        }
    }

    /// <summary>From now on rows are read, so files behind the one that is asked for are fetched too: who wants the columns alone needs no more than one.</summary>
    /// <returns>Bytes of all, as far as they are known by now.</returns>
    public long ReadAhead()
    {
        lock (_gate)
        {
            _isAhead = true;
            Monitor.PulseAll(_gate);
            return Bytes;
        }
    }

    /// <summary>The next file, to be read here; waits for it.</summary>
    /// <exception cref="GristmillException">It cannot be fetched. The one behind it can still be asked for.</exception>
    public SourceFile Take(int number)
    {
        lock (_gate)
        {
            _reading = number;
            Monitor.PulseAll(_gate);
            if (!_started)
            {
                _started = true;
                for (var i = 0; i < Math.Min(_options.Connections, _slots.Length); i++)
                {
                    _run.Start(Fetch);
                }
            }

            var slot = _slots[number];
            while (!slot.IsDone)
            {
                _run.Token.ThrowIfCancellationRequested();
                Monitor.Wait(_gate);
            }

            return slot.Failure is { } failure ? throw failure : new SourceFile(slot.Path ?? slot.File.Path, slot.Bytes) { Name = slot.File.Name };
        }
    }

    /// <summary>A file is read.</summary>
    public void Release(int number)
    {
        var slot = _slots[number];
        if (slot.Path is { } path)
        {
            File.Delete(path);
        }

        lock (_gate)
        {
            Free(slot);
        }
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody cleans up the folder of temporary files.
        }
    }

    private async ValueTask LookAsync(Slot slot, CancellationToken cancellationToken)
    {
        try
        {
            slot.Version = await slot.Web!.LookAsync(cancellationToken).ConfigureAwait(false);
            slot.Bytes = slot.Version.Bytes ?? 0;
        }
        catch (GristmillException e)
        {
            // It is the reader's to say what becomes of it.
            (slot.Failure, slot.IsDone) = (e, true);
        }
    }

    private void Fetch()
    {
        while (Next() is { } slot)
        {
            if (slot.Web is null)
            {
                Finish(slot, slot.Bytes, null);
                continue;
            }

            var path = Path.Combine(_folder, slot.Number(_slots).ToString(CultureInfo.InvariantCulture) + FileFormats.Ending(slot.File.Path));
            try
            {
                var bytes = slot.Web.FetchAsync(path, slot.Version!, _run.Token).GetAwaiter().GetResult();
                slot.Path = path;
                Finish(slot, bytes, null);
            }
            catch (GristmillException e)
            {
                File.Delete(path);
                Finish(slot, slot.Bytes, e);
            }
        }
    }

    /// <summary>The next file to fetch, once there is room for it; null after the last.</summary>
    private Slot? Next()
    {
        lock (_gate)
        {
            while (true)
            {
                _run.Token.ThrowIfCancellationRequested();
                while (_toFetch < _slots.Length && _slots[_toFetch].IsDone)
                {
                    _toFetch++;
                }

                if (_toFetch == _slots.Length)
                {
                    return null;
                }

                var slot = _slots[_toFetch];
                if (_toFetch <= _reading || slot.Web is null || (_isAhead && slot.Version!.Bytes is { } bytes && _held + bytes <= _options.BytesAhead))
                {
                    _toFetch++;
                    slot.Held = slot.Web is null ? 0 : slot.Bytes;
                    _held += slot.Held;
                    return slot;
                }

                Monitor.Wait(_gate);
            }
        }
    }

    private void Finish(Slot slot, long bytes, GristmillException? failure)
    {
        lock (_gate)
        {
            if (failure is not null)
            {
                Free(slot);
            }
            else if (slot.Web is not null)
            {
                // Of a length that was not said, it is known only now.
                _held += bytes - slot.Held;
                (slot.Held, slot.Bytes) = (bytes, bytes);
            }

            (slot.Failure, slot.IsDone) = (failure, true);
            Monitor.PulseAll(_gate);
        }
    }

    private void Free(Slot slot)
    {
        _held -= slot.Held;
        slot.Held = 0;
        Monitor.PulseAll(_gate);
    }

    private sealed class Slot(SourceFile file, WebFile? web)
    {
        public SourceFile File { get; } = file;

        public WebFile? Web { get; } = web;

        public RemoteVersion? Version { get; set; }

        /// <summary>Where it was fetched to.</summary>
        public string? Path { get; set; }

        public long Bytes { get; set; } = file.Bytes;

        /// <summary>What it takes of the bound.</summary>
        public long Held { get; set; }

        public GristmillException? Failure { get; set; }

        public bool IsDone { get; set; }

        public int Number(Slot[] all) => Array.IndexOf(all, this);
    }
}
