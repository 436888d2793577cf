using Apache.Arrow;
using Gristmill.Objects.Mapping;

namespace Gristmill.Objects;

/// <summary>
/// A pin on a mapped object. Batches are views over the mapping: no bytes are copied. Whoever hands memory on beyond
/// the lease's scope (a tensor, a scan) takes a <see cref="Share"/> and disposes it when the last view dies.
/// </summary>
/// <remarks>
/// Dispose every lease. A lease that is forgotten does no harm beyond its memory: the mapping goes when the garbage
/// collector finds neither a lease nor a buffer of it. Memory taken from a lease and read after the last one was
/// disposed throws <see cref="ObjectDisposedException"/>; a raw pointer kept beyond it is undefined.
/// </remarks>
public sealed class ObjectLease : IDisposable
{
    private readonly ObjectStore _store;
    private readonly MappedObject _object;
    private int _disposed;

    internal ObjectLease(ObjectStore store, MappedObject mapped)
    {
        _store = store;
        _object = mapped;
        _store.LeaseTaken();
    }

    /// <summary>Counts a forgotten lease; its mapping has a finaliser of its own, since buffers may still be in use.</summary>
    ~ObjectLease()
    {
        if (_store is not null && _disposed == 0)
        {
            _store.LeaseLeaked();
        }
    }

    /// <summary>The object.</summary>
    public ObjectRef Ref => _object.Ref;

    /// <summary>Its schema.</summary>
    public Schema Schema => _object.Schema;

    /// <summary>What it holds, computed when it came in from outside; null for tables that stages made.</summary>
    public TableStatistics? Statistics
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            return _object.Statistics;
        }
    }

    /// <summary>Its record batches as views, in order; built once and kept. They are shared: do not dispose them.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>: the segment was damaged.</exception>
    public IReadOnlyList<RecordBatch> Batches
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            return _object.Batches;
        }
    }

    /// <summary>Some columns and a range of rows as views: nothing is copied, and columns that are not asked for are not touched.</summary>
    /// <param name="columns">Names, in the order wanted; null: all as they are.</param>
    /// <param name="offset">Rows to leave out, from 0 to as many as there are.</param>
    /// <param name="rows">Rows at most; null: all that follow.</param>
    /// <returns>As many batches as the range touches; valid as long as the lease.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.UnknownColumn"/>: there is no such column. <see cref="ErrorCodes.Corrupt"/>: the segment was damaged.</exception>
    public IEnumerable<RecordBatch> Read(IReadOnlyList<string>? columns = null, long offset = 0, long? rows = null)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Ref.Rows);
        ArgumentOutOfRangeException.ThrowIfNegative(rows ?? 0, nameof(rows));
        return Projection.Of(Batches, Schema, columns, offset, Math.Min(rows ?? long.MaxValue, Ref.Rows - offset));
    }

    /// <summary>
    /// The object as the messages of an Arrow IPC stream, to be sent as they are: the schema, every dictionary with its additions, then the record
    /// batches. Valid as long as the lease.
    /// </summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>, once they are enumerated: the segment was damaged.</exception>
    public ObjectMessages OpenMessages()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return new ObjectMessages(_object, _store.PathOf(Ref.Id));
    }

    /// <summary>Whether its memory is part of a file that others share.</summary>
    internal bool IsShared => _object.IsShared;

    /// <summary>Bytes that its checksum is of.</summary>
    internal long HashedBytes => _object.HashedBytes;

    /// <summary>Copies bytes of the object as it lies in memory.</summary>
    internal void Copy(long position, Span<byte> into) => _object.Copy(position, into);

    /// <summary>A second lease on the same mapping, with its own life.</summary>
    public ObjectLease Share()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0 || !_object.TryAcquire(), this);
        return new ObjectLease(_store, _object);
    }

    /// <summary>Whether the memory lies inside this object's mapping.</summary>
    public bool Owns(ReadOnlySpan<byte> memory) => _object.Owns(memory);

    /// <summary>Asks the kernel to map the object's pages now (MADV_POPULATE_READ), so that a full scan takes no faults.</summary>
    public void Prefault()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        _object.Prefault();
    }

    /// <summary>Reads the whole object and compares it with the checksum it was sealed with.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>.</exception>
    public void Verify()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        _object.Verify();
    }

    /// <summary>Unpins. The mapping goes with the last lease.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            GC.SuppressFinalize(this);
            _store.LeaseReturned(_object);
        }
    }
}
