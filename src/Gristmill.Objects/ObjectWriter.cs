using Apache.Arrow;

namespace Gristmill.Objects;

/// <summary>
/// Builds one object in place: columns are allocated inside the segment, so that sealing copies nothing. Not safe for
/// several threads; buffers of one batch may be filled in parallel.
/// </summary>
public sealed class ObjectWriter : IDisposable
{
    internal ObjectWriter() { }

    /// <summary>The id the object will have.</summary>
    public string Id => throw new NotImplementedException();

    /// <summary>The schema.</summary>
    public Schema Schema => throw new NotImplementedException();

    /// <summary>Starts a record batch; the one before must be ended.</summary>
    public void BeginBatch() => throw new NotImplementedException();

    /// <summary>
    /// Allocates a zeroed, 64-byte aligned buffer inside the current batch, for a validity bitmap, offsets or values.
    /// Fill it through its memory, then wrap it with <see cref="ArrowBuffer"/> into arrays given to <see cref="EndBatch"/>.
    /// </summary>
    /// <param name="bytes">Length in bytes.</param>
    public Memory<byte> Allocate(int bytes) => throw new NotImplementedException();

    /// <summary>
    /// Ends the batch. Buffers that lie in this segment are taken as they are; any other buffer is copied in and counted
    /// as copied under "segment".
    /// </summary>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="columns">One array a field.</param>
    public void EndBatch(int rows, IReadOnlyList<IArrowArray> columns) => throw new NotImplementedException();

    /// <summary>Copies a whole batch in (counted as copied under "segment").</summary>
    public void Append(RecordBatch batch) => throw new NotImplementedException();

    /// <summary>Writes footer and checksum, and publishes the segment atomically under its id.</summary>
    public ObjectRef Seal() => throw new NotImplementedException();

    /// <summary>Gives the segment up unless it was sealed.</summary>
    public void Dispose() { }
}
