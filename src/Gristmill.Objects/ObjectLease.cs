using Apache.Arrow;

namespace Gristmill.Objects;

/// <summary>
/// A pin on a mapped object. Batches are views over the mapping: no bytes are copied. Whoever hands memory on beyond
/// the lease's scope (a tensor, a scan) takes a <see cref="Share"/> and disposes it when the last view dies.
/// </summary>
public sealed class ObjectLease : IDisposable
{
    internal ObjectLease() { }

    /// <summary>The object.</summary>
    public ObjectRef Ref => throw new NotImplementedException();

    /// <summary>Its schema.</summary>
    public Schema Schema => throw new NotImplementedException();

    /// <summary>Its record batches as views, in order; built once and kept.</summary>
    public IReadOnlyList<RecordBatch> Batches => throw new NotImplementedException();

    /// <summary>A second lease on the same mapping, with its own life.</summary>
    public ObjectLease Share() => throw new NotImplementedException();

    /// <summary>Whether the memory lies inside this object's mapping.</summary>
    public bool Owns(ReadOnlySpan<byte> memory) => throw new NotImplementedException();

    /// <summary>Asks the kernel to map the object's pages now (MADV_POPULATE_READ), so that a full scan takes no faults.</summary>
    public void Prefault() => throw new NotImplementedException();

    /// <summary>Unpins.</summary>
    public void Dispose() { }
}
