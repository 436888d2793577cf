using Apache.Arrow;

namespace Gristmill.Objects;

/// <summary>
/// The objects of one host: immutable Arrow tables in shared memory. Open one per process and folder; it is safe for
/// many threads, and many processes share a folder.
/// </summary>
public sealed class ObjectStore : IDisposable
{
    private ObjectStore(ObjectStoreOptions options) => Options = options;

    /// <summary>The options it was opened with.</summary>
    public ObjectStoreOptions Options { get; }

    /// <summary>Opens the folder, creating it (mode 0700) if needed. Does not sweep.</summary>
    public static ObjectStore Open(ObjectStoreOptions options) => new(options);

    /// <summary>Starts a new object. Nothing is visible to others before <see cref="ObjectWriter.Seal"/>; disposing without sealing leaves no trace.</summary>
    /// <param name="schema">Schema of all its batches.</param>
    /// <param name="expectedBytes">First reservation in bytes; the segment grows beyond it.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/>: no room.</exception>
    public ObjectWriter Create(Schema schema, long expectedBytes = 1 << 20) => throw new NotImplementedException();

    /// <summary>Maps an object (once per process) and takes a lease on it. Batches stay valid until the lease and all that was derived from it are disposed.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/>, <see cref="ErrorCodes.Corrupt"/>.</exception>
    public ObjectLease Get(string id) => throw new NotImplementedException();

    /// <inheritdoc cref="Get(string)"/>
    public ObjectLease Get(ObjectRef reference) => Get(reference.Id);

    /// <summary>Whether the object is in the store.</summary>
    public bool Contains(string id) => throw new NotImplementedException();

    /// <summary>Removes an object's name. Processes that have it mapped keep reading; the memory goes with the last of them. False if it was not there.</summary>
    public bool Delete(string id) => throw new NotImplementedException();

    /// <summary>All sealed objects.</summary>
    public IEnumerable<ObjectRef> List() => throw new NotImplementedException();

    /// <summary>Removes unsealed segments whose writer is dead. Safe while other processes write.</summary>
    /// <returns>How many were removed.</returns>
    public int Sweep() => throw new NotImplementedException();

    /// <summary>Takes an Arrow IPC stream or file from outside in: validated completely before any buffer is used, then sealed as an object.</summary>
    /// <param name="source">The bytes; read once, forward.</param>
    /// <param name="maxBytes">Refused above this.</param>
    /// <param name="cancellationToken">Ends the import; nothing remains.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/> with what is malformed; <see cref="ErrorCodes.StoreFull"/>.</exception>
    public Task<ObjectRef> ImportAsync(Stream source, long maxBytes, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() { }
}
