using System.Globalization;
using Gristmill.Data.Execution;
using Gristmill.Data.Sources.Remote.Cloud;

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
    private long _bytes;
    private long _held;
    private bool _started;
    private bool _isAhead;

    public FetchedFiles(FlowRun run, FileRead read)
    {
        (_run, _options) = (run, read.Options.Remote.Check());
        var clouds = new CloudFiles(_options, run.Options.TimeProvider);
        var named = FileSet.Find(read, run.Options.BaseDirectory);
        var found = new IReadOnlyList<Slot>[named.Count];
        // What a server says of one file does not depend on the others.
        Parallel.ForEachAsync(
            Enumerable.Range(0, named.Count),
            new ParallelOptions { MaxDegreeOfParallelism = _options.Connections, CancellationToken = run.Token },
            async (i, token) => found[i] = Addresses.Is(named[i].Path) ? await LookAsync(named[i], clouds, read.Options.Format, token).ConfigureAwait(false) : [new Slot(named[i], null)])
            .GetAwaiter().GetResult();
        var known = new HashSet<string>(StringComparer.Ordinal);
        _slots = [.. found.SelectMany(static slots => slots).Where(slot => !CloudPath.Is(slot.File.Path) || known.Add(slot.File.Path))];
        for (var i = 0; i < _slots.Length; i++)
        {
            _slots[i].Number = i;
            _bytes += _slots[i].Bytes;
        }

        _folder = Directory.CreateDirectory(Path.Combine(run.Options.TempDirectory, $"gristmill-fetched-{Guid.NewGuid():N}")).FullName;
        run.OnEnd(() =>
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        });
    }

    /// <summary>The files, those of folders and patterns in the order of their names.</summary>
    public IReadOnlyList<SourceFile> Files => [.. _slots.Select(static slot => slot.File)];

    /// <summary>Bytes of all, as far as their servers say.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes;
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

    private async Task<IReadOnlyList<Slot>> LookAsync(SourceFile file, CloudFiles clouds, FileFormat? format, CancellationToken cancellationToken)
    {
        try
        {
            if (CloudPath.Is(file.Path))
            {
                var files = await clouds.FindAsync(CloudPath.Parse(file.Path), format, cancellationToken).ConfigureAwait(false);
                return [.. files.Select(static remote => new Slot(new SourceFile(remote.Name, remote.Version?.Bytes ?? 0), remote))];
            }

            var web = new WebFile(Addresses.Parse(file.Path), _options, _run.Options.TimeProvider);
            var version = await web.LookAsync(cancellationToken).ConfigureAwait(false);
            return [new Slot(file with { Bytes = version.Bytes ?? 0 }, web)];
        }
        catch (GristmillException e) when (e.Code is ErrorCodes.FileNotFound or ErrorCodes.SourceUnavailable)
        {
            // It is the reader's to say what becomes of it.
            return [new Slot(file, null) { Failure = e, IsDone = true }];
        }
    }

    private void Fetch()
    {
        while (Next() is { } slot)
        {
            if (slot.Remote is null)
            {
                Finish(slot, slot.Bytes, null);
                continue;
            }

            var path = Path.Combine(_folder, slot.Number.ToString(CultureInfo.InvariantCulture) + FileFormats.Ending(slot.File.Path));
            try
            {
                var bytes = slot.Remote.FetchAsync(path, _run.Token).GetAwaiter().GetResult();
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
                if (_toFetch <= _reading || slot.Remote is null || (_isAhead && slot.Remote.Version?.Bytes is { } bytes && _held + bytes <= _options.BytesAhead))
                {
                    _toFetch++;
                    slot.Held = slot.Remote is null ? 0 : slot.Bytes;
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
            else if (slot.Remote is not null)
            {
                // Of a length that was not said, it is known only now.
                _held += bytes - slot.Held;
                _bytes += bytes - slot.Bytes;
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

    private sealed class Slot(SourceFile file, RemoteFile? remote)
    {
        public SourceFile File { get; } = file;

        /// <summary>Null: it is on disk.</summary>
        public RemoteFile? Remote { get; } = remote;

        /// <summary>Where it was fetched to.</summary>
        public string? Path { get; set; }

        public long Bytes { get; set; } = file.Bytes;

        /// <summary>What it takes of the bound.</summary>
        public long Held { get; set; }

        public GristmillException? Failure { get; set; }

        public bool IsDone { get; set; }

        public int Number { get; set; }
    }
}
