using System.Buffers;
using Apache.Arrow;
using Gristmill.Objects.Import;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Mapping;
using Gristmill.Objects.Platform;
using Gristmill.Objects.Slabs;
using Gristmill.Objects.Spilling;
using Gristmill.Objects.Streams;

namespace Gristmill.Objects;

/// <summary>
/// The objects of one host: immutable Arrow tables in shared memory. Open one per process and folder; it is safe for
/// many threads, and many processes share a folder.
/// </summary>
public sealed partial class ObjectStore : IDisposable
{
    internal const string SealedSuffix = ".arrow";
    internal const string DeletedSuffix = ".deleted";
    internal const string BuildingSuffix = ".building";

    /// <summary>A segment of many small objects.</summary>
    internal const string SlabSuffix = ".slab";

    /// <summary>An empty file of this name beside an object keeps it.</summary>
    internal const string PinSuffix = ".pin";

    private static readonly SearchValues<char> IdCharacters = SearchValues.Create("0123456789abcdef");
    private readonly Lock _gate = new();
    private readonly Dictionary<string, WeakReference<MappedObject>> _mapped = new(StringComparer.Ordinal);
    private readonly SpillFolder? _spill;
    private readonly SegmentFiles _files;
    private readonly SlabReader _slabs;
    private readonly SlabWriter _small;
    private readonly int _smallBytes;
    private long _liveLeases;
    private long _leakedLeases;
    private volatile bool _disposed;

    private ObjectStore(ObjectStoreOptions options)
    {
        Options = options;
        SegmentPlatform.Current.CreatePrivateDirectory(options.Directory);
        _spill = options.SpillDirectory is null ? null : new SpillFolder(options);
        Budget = new StoreBudget(options, _spill) { Largest = LargestOwner, LetGo = () => _slabs!.Trim(TimeSpan.Zero) };
        _files = new SegmentFiles(options.Directory, _spill, Budget);
        _slabs = new SlabReader(_files, options.TimeProvider);
        _small = new SlabWriter(options, Budget, _files);
        _smallBytes = SegmentPlatform.Current.HasSlabs ? options.SmallObjectBytes : 0;
    }

    /// <summary>The options it was opened with.</summary>
    public ObjectStoreOptions Options { get; }

    /// <summary>Leases taken and not yet disposed (forgotten ones count until they are collected). 0 when nothing leaks.</summary>
    public long LiveLeases => Interlocked.Read(ref _liveLeases);

    /// <summary>Leases that were collected without having been disposed: each is a bug of its owner.</summary>
    public long LeakedLeases => Interlocked.Read(ref _leakedLeases);

    /// <summary>Bytes the folder may hold.</summary>
    public long CapacityBytes => Budget.Capacity;

    internal StoreBudget Budget { get; }

    /// <summary>Opens the folder, creating it (mode 0700) if needed. Does not sweep.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the folder cannot be made private to this user.</exception>
    public static ObjectStore Open(ObjectStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(options.Directory);
        ArgumentOutOfRangeException.ThrowIfNegative(options.CapacityBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(options.SpillCapacityBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(options.SmallObjectBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(options.RecycledBytes ?? 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.SmallObjectBytes, ScratchSegment.Size);
        return new(options with { Directory = Path.GetFullPath(options.Directory), SpillDirectory = options.SpillDirectory is { } spill ? Path.GetFullPath(spill) : null });
    }

    /// <summary>Starts a new object. Nothing is visible to others before <see cref="ObjectWriter.Seal"/>; disposing without sealing leaves no trace.</summary>
    /// <param name="schema">Schema of all its batches.</param>
    /// <param name="expectedBytes">
    /// What it will take in bytes, roughly: room for it is reserved at once, and it may become more. The default says that nothing is known: the object is
    /// built as a small one, and copied once if it outgrows that.
    /// </param>
    /// <param name="likelyBytes">
    /// What it may grow to in bytes, as a guess: nothing is reserved for it, but the memory of a deleted object of about that size is written again, if there is some,
    /// which is many times faster than memory that was never used.
    /// </param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/>: no room.</exception>
    public ObjectWriter Create(Schema schema, long expectedBytes = 0, long likelyBytes = 0)
    {
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentOutOfRangeException.ThrowIfNegative(expectedBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(likelyBytes);
        ObjectDisposedException.ThrowIf(_disposed, this);
        var encoded = EncodedSchema.Of(schema);
        return new ObjectWriter(this, schema, expectedBytes <= _smallBytes && _smallBytes > 0 ? new ScratchSegment(_smallBytes, _small, Reserve) : Reserve(expectedBytes), encoded);

        SegmentFile Reserve(long bytes) => NewSegment(bytes, likelyBytes);
    }

    /// <summary>Maps an object (once per process) and takes a lease on it. Batches stay valid until the lease and all that was derived from it are disposed.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/>, <see cref="ErrorCodes.Corrupt"/>.</exception>
    public ObjectLease Get(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (IsId(id) && SlabId.Of(id) is { } place && _slabs.Open(place) is { } memory)
        {
            // Its slab is mapped once, and what else a second lease could share takes as long to find as to make.
            var small = MappedObject.Open(memory, id, Options.Host);
            small.TryAcquire();
            return new ObjectLease(this, small);
        }

        lock (_gate)
        {
            if (Known(id) is { } known)
            {
                return known;
            }
        }

        if (!IsId(id))
        {
            throw NotFound(id);
        }

        _files.Recall(id + SealedSuffix);
        lock (_gate)
        {
            if (Known(id) is { } known)
            {
                return known;
            }

            // Opened under the lock: a second caller would otherwise map it again. It costs tens of microseconds, unless it must be read from a disk.
            var mapped = MappedObject.Open(_files.Open(id + SealedSuffix) ?? throw NotFound(id), id, Options.Host);
            mapped.TryAcquire();
            _mapped[id] = new WeakReference<MappedObject>(mapped);
            return new ObjectLease(this, mapped);
        }
    }

    /// <inheritdoc cref="Get(string)"/>
    public ObjectLease Get(ObjectRef reference)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return Get(reference.Id);
    }

    /// <summary>Whether the object is in the store.</summary>
    public bool Contains(string id)
    {
        if (!IsId(id))
        {
            return false;
        }

        if (SlabId.Of(id) is { } small && _slabs.Open(small) is { } memory)
        {
            memory.Dispose();
            return true;
        }

        return _files.Exists(id + SealedSuffix);
    }

    /// <summary>Removes an object's name. Processes that have it mapped keep reading; the memory goes with the last of them. False if it was not there.</summary>
    public bool Delete(string id)
    {
        if (!IsId(id))
        {
            return false;
        }

        if (SlabId.Of(id) is { } small && SegmentPlatform.Current.HasSlabs && DeleteSmall(small))
        {
            File.Delete(PinOf(id));
            return true;
        }

        while (_files.Exists(id + SealedSuffix))
        {
            lock (_gate)
            {
                _mapped.Remove(id);
            }

            try
            {
                // File.Delete does not say whether there was something to delete; moving does, and to one caller only.
                string path = _files.Find(id + SealedSuffix), doomed = path + DeletedSuffix;
                File.Move(path, doomed, overwrite: true);
                SegmentPlatform.Current.Discard(doomed, IsInSpill(path) ? null : Budget.Pool);
                File.Delete(PinOf(id));
                return true;
            }
            catch (FileNotFoundException)
            {
                // Somebody else deletes it, or it was spilled meanwhile, or came back.
            }
        }

        return false;
    }

    /// <summary>
    /// Keeps an object until it is unpinned, whoever made it and whether or not anybody has it mapped: <see cref="RemoveUnlessHeld"/> leaves
    /// it. It outlives every process, and a second pin changes nothing.
    /// </summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.ObjectNotFound"/>, <see cref="ErrorCodes.Corrupt"/>: there is nothing to keep. <see cref="ErrorCodes.StoreFull"/>: no room for the
    /// pin, an empty file.
    /// </exception>
    public void Pin(string id)
    {
        // Mapped meanwhile: who removes it finds it held before this, and pinned after it. Unless it had gone already: what is mapped may have no name.
        using var lease = Get(id);
        if (!Contains(id))
        {
            throw NotFound(id);
        }

        try
        {
            File.Open(PinOf(id), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite).Dispose();
        }
        catch (IOException e)
        {
            throw new GristmillException(ErrorCodes.StoreFull, $"Object {id} cannot be pinned: {e.Message}", "Delete objects that are no longer needed.", e).With("object", id);
        }
    }

    /// <summary>Takes a pin back; the object goes its way.</summary>
    /// <returns>False: it was not pinned.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/></exception>
    public bool Unpin(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (!Contains(id))
        {
            throw NotFound(id);
        }

        bool pinned = File.Exists(PinOf(id));
        File.Delete(PinOf(id));
        return pinned;
    }

    /// <summary>Whether a living process of this host has it mapped or writes it.</summary>
    public bool IsHeld(StoredObject item)
    {
        ArgumentNullException.ThrowIfNull(item);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return SegmentPlatform.Current.IsHeld(item.Path);
    }

    /// <summary>Removes an object unless it is held or pinned; false if it is, or is not there.</summary>
    public bool RemoveUnlessHeld(StoredObject item)
    {
        ArgumentNullException.ThrowIfNull(item);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (item.IsShared)
        {
            // Who begins to read it just now reads on: its memory stays as long as the slab is mapped.
            _slabs.Trim(TimeSpan.Zero);
            return !SegmentPlatform.Current.IsHeld(item.Path) && !File.Exists(PinOf(item.Id)) && SlabId.Of(item.Id) is { } small && DeleteSmall(small);
        }

        return SegmentPlatform.Current.RemoveUnlessHeld(item.Path, item.IsSealed ? PinOf(item.Id) : null, pool: item.IsSealed && !IsInSpill(item.Path) ? Budget.Pool : null);
    }

    /// <summary>Removes unsealed segments whose writer is dead. Safe while other processes write.</summary>
    /// <returns>How many were removed.</returns>
    public int Sweep()
    {
        int removed = 0;
        foreach (string path in Directory.EnumerateFiles(Options.Directory, "*" + BuildingSuffix))
        {
            if (SegmentPlatform.Current.RemoveUnlessHeld(path))
            {
                removed++;
            }
        }

        _spill?.Sweep();
        Budget.Pool.Sweep();
        StreamFile.Sweep(Options.Directory, Delete);
        _slabs.Trim(TimeSpan.Zero);
        foreach (string folder in _files.Folders)
        {
            foreach (string path in Directory.EnumerateFiles(folder, "*" + SlabSuffix))
            {
                // Those of dead writers: nobody else would remove the last, or give back what they had reserved.
                SegmentPlatform.Current.RemoveSpentSlab(path);
            }

            foreach (string path in Directory.EnumerateFiles(folder, "*" + DeletedSuffix))
            {
                File.Delete(path); // its deleter died between two steps
            }
        }

        foreach (string path in Directory.EnumerateFiles(Options.Directory, "*" + PinSuffix))
        {
            // Whoever pins has the object mapped: a pin without one is of an object whose file somebody deleted.
            if (Path.GetFileNameWithoutExtension(path) is var id && IsId(id) && !Contains(id))
            {
                File.Delete(path);
            }
        }

        lock (_gate)
        {
            foreach (var (id, entry) in _mapped)
            {
                if (!entry.TryGetTarget(out _))
                {
                    _mapped.Remove(id);
                }
            }
        }

        return removed;
    }

    /// <summary>Takes an Arrow IPC stream or file from outside in: validated completely before any buffer is used, then sealed as an object.</summary>
    /// <param name="source">The bytes; read once, forward.</param>
    /// <param name="maxBytes">Refused above this.</param>
    /// <param name="cancellationToken">Ends the import; nothing remains.</param>
    /// <remarks>Bodies may be compressed with LZ4 or Zstandard. What was copied is counted under "import".</remarks>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Corrupt"/> with what is malformed; <see cref="ErrorCodes.Invalid"/> above <paramref name="maxBytes"/>;
    /// <see cref="ErrorCodes.StoreFull"/>.
    /// </exception>
    public Task<ObjectRef> ImportAsync(Stream source, long maxBytes, CancellationToken cancellationToken) => ImportAsync(source, maxBytes, statistics: false, cancellationToken);

    /// <inheritdoc cref="ImportAsync(Stream, long, CancellationToken)"/>
    /// <param name="source">The bytes; read once, forward.</param>
    /// <param name="maxBytes">Refused above this.</param>
    /// <param name="statistics">Whether what the table holds is computed on the way, and kept with it (<see cref="ObjectLease.Statistics"/>).</param>
    /// <param name="cancellationToken">Ends the import; nothing remains.</param>
    public Task<ObjectRef> ImportAsync(Stream source, long maxBytes, bool statistics, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new Importer(this, maxBytes, statistics).ImportAsync(source, cancellationToken);
    }

    /// <summary>
    /// Begins to take a table from outside in message by message, as Arrow Flight brings it. Each is validated completely before any buffer is used;
    /// what is not sealed leaves no trace.
    /// </summary>
    /// <param name="maxBytes">Bytes of all bodies together: refused above this.</param>
    /// <param name="maxHeld">Bytes that are held in memory at a time: dictionaries, a batch that is compressed, and what either unfolds to.</param>
    /// <param name="statistics">Whether what the table holds is computed on the way, and kept with it (<see cref="ObjectLease.Statistics"/>).</param>
    public ObjectImport BeginImport(long maxBytes, long maxHeld, bool statistics = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxHeld);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new ObjectImport(this, maxBytes, maxHeld, statistics);
    }

    /// <summary>Gives up the memory of deleted objects that is kept to be written again: who stops, and may not come back soon, leaves none of it behind.</summary>
    public void ReleaseRecycled() => Budget.Pool.Free(long.MaxValue);

    /// <summary>Closes the store. Leases stay valid until they are disposed.</summary>
    public void Dispose()
    {
        _disposed = true;
        _small.Dispose();
        _slabs.Dispose();
        SegmentPlatform.Current.LetGo(Options.Directory);
    }

    internal string PathOf(string id) => Path.Combine(Options.Directory, id + SealedSuffix);

    internal string BuildingPath(string id) =>
        Path.Combine(Options.Directory, $"{id}.{Environment.ProcessId}{BuildingSuffix}");

    internal void LeaseTaken() => Interlocked.Increment(ref _liveLeases);

    internal void LeaseLeaked()
    {
        Interlocked.Decrement(ref _liveLeases);
        Interlocked.Increment(ref _leakedLeases);
    }

    internal void LeaseReturned(MappedObject mapped)
    {
        Interlocked.Decrement(ref _liveLeases);
        if (mapped.Release() && !mapped.IsShared)
        {
            lock (_gate)
            {
                if (_mapped.TryGetValue(mapped.Ref.Id, out var entry) && (!entry.TryGetTarget(out var current) || current == mapped))
                {
                    _mapped.Remove(mapped.Ref.Id);
                }
            }
        }
    }

    /// <summary>A lease on what this process has mapped. Under the lock.</summary>
    private ObjectLease? Known(string id) =>
        _mapped.TryGetValue(id, out var entry) && entry.TryGetTarget(out var known) && known.TryAcquire() ? new ObjectLease(this, known) : null;

    private SegmentFile NewSegment(long reserve, long likely)
    {
        string id = Guid.NewGuid().ToString("n");
        return SegmentPlatform.Current.Create(new SegmentName(id, BuildingPath(id), PathOf(id)), reserve, likely, Budget);
    }

    private bool DeleteSmall(SlabId id)
    {
        string path, name = SlabReader.FileOf(id.Slab);
        bool? deleted;
        bool spent;
        do
        {
            path = _files.Find(name);
            deleted = SegmentPlatform.Current.DeleteFromSlab(path, id.Position, out spent);
        }
        while (deleted is null && _files.Exists(name)); // it was spilled meanwhile, or came back
        if (spent)
        {
            _slabs.Trim(TimeSpan.Zero);
            SegmentPlatform.Current.RemoveSpentSlab(path);
        }

        return deleted ?? false;
    }

    private string PinOf(string id) => Path.Combine(Options.Directory, id + PinSuffix);

    /// <summary>Ids are file names: nothing else may reach a path.</summary>
    private static bool IsId(string id) => id is { Length: 32 } && !id.AsSpan().ContainsAnyExcept(IdCharacters);

    internal static GristmillException NotFound(string id) => new GristmillException(ErrorCodes.ObjectNotFound,
        $"Object {(id.Length > 64 ? id[..64] + "..." : id)} is not in this host's store.",
        "It was deleted, or lives on another host: run its stage again or fetch it from there.").With("object", id);
}
