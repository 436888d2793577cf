using System.Globalization;
using Apache.Arrow;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Streams;

namespace Gristmill.Objects;

/// <summary>
/// A table that others read while it is made: each part of it is an object of the store, and readers of this host follow part by part
/// (<see cref="ObjectStore.OpenStream"/>). The writer waits for the slowest reader once that has too much to read. Not safe for several threads.
/// </summary>
/// <remarks>
/// A stream lives as long as this writer and the readers that have come. One whose writer dies ends with an error for its readers, after the parts that were there.
/// </remarks>
public sealed class ObjectStreamWriter : IDisposable
{
    private readonly ObjectStore _store;
    private readonly ObjectStreamOptions _options;
    private readonly StreamFile _file;
    private readonly string _fingerprint;
    private readonly List<ObjectRef> _kept = [];

    /// <summary>Bytes of each part that a reader may still have to read.</summary>
    private readonly Queue<long> _unread = new();
    private long _unreadBytes;
    private long _firstUnread;
    private bool _ended;
    private bool _disposed;

    internal ObjectStreamWriter(ObjectStore store, Schema schema, ObjectStreamOptions options)
    {
        (_store, _options, Schema) = (store, options.Check(), schema);
        var encoded = EncodedSchema.Of(schema);
        _fingerprint = encoded.Fingerprint;
        _file = StreamFile.Create(store.Options.Directory, encoded.Message, options);
        Id = _file.Id;
    }

    /// <summary>Its id, by which readers find it: 32 hexadecimal digits.</summary>
    public string Id { get; }

    /// <summary>The schema of all its parts.</summary>
    public Schema Schema { get; }

    /// <summary>Its parts so far if they are kept (<see cref="ObjectStreamOptions.KeepParts"/>), else none.</summary>
    public IReadOnlyList<ObjectRef> Parts => _kept;

    /// <summary>Copies a batch in as a part, and waits until there is room for it. If that is cancelled, nothing was added.</summary>
    /// <param name="batch">Rows, of the stream's schema.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Conflict"/>: all readers have left. <see cref="ErrorCodes.StoreFull"/>. <see cref="ErrorCodes.Invalid"/>: the batch does not fit the schema.
    /// </exception>
    public async Task WriteAsync(RecordBatch batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ThrowIfEnded();
        ObjectRef part;
        using (var writer = _store.Create(Schema))
        {
            writer.Append(batch);
            part = writer.Seal();
        }

        try
        {
            await AddAsync(part, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _store.Delete(part.Id);
            throw;
        }
    }

    /// <summary>Adds a sealed object as a part, which copies nothing, and waits until there is room for it. It is the stream's from then on; if this fails, it is not.</summary>
    /// <param name="part">An object of this store and of the stream's schema.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Conflict"/>: all readers have left. <see cref="ErrorCodes.Invalid"/>: it has another schema. <see cref="ErrorCodes.ObjectNotFound"/>.
    /// </exception>
    public async Task AddAsync(ObjectRef part, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(part);
        ThrowIfEnded();
        if (part.SchemaFingerprint != _fingerprint)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Object {part.Id} has other columns than stream {Id}.", "Write all parts with the stream's schema.").With("object", part.Id);
        }

        if (!_store.Contains(part.Id))
        {
            throw ObjectStore.NotFound(part.Id);
        }

        await StreamWait.UntilAsync(() => HasRoom(part.Bytes), cancellationToken).ConfigureAwait(false);
        _file.Add(new StreamPart
        {
            Id = StreamFile.NumberOf(part.Id),
            Rows = part.Rows,
            Bytes = part.Bytes,
            Checksum = part.Checksum is { } checksum ? ulong.Parse(checksum, NumberStyles.HexNumber, CultureInfo.InvariantCulture) : 0,
        });
        _unread.Enqueue(part.Bytes);
        _unreadBytes += part.Bytes;
        if (_options.KeepParts)
        {
            _kept.Add(part);
        }
    }

    /// <summary>Says that all parts are there. Readers end after the last.</summary>
    public void Complete() => End(null);

    /// <summary>Says that it will not become whole. Readers get the error after the last part.</summary>
    /// <param name="error">Why.</param>
    public void Fail(ErrorInfo error)
    {
        ArgumentNullException.ThrowIfNull(error);
        End(error);
    }

    /// <summary>Waits until every reader, also one that has yet to come, has read all that there is, or has left.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task DrainAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return StreamWait.UntilAsync(() => (_file.Slowest(awaited: true) ?? long.MaxValue) >= _file.Parts, cancellationToken);
    }

    /// <summary>
    /// Ends its part in the stream: one that was not completed fails. Readers that have come read to the end; for others it is gone.
    /// </summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (!_ended)
        {
            End(new ErrorInfo(ErrorCodes.StageFailed, $"Stream {Id} ends before its end: its writer gave it up.", "Look at what wrote it."));
        }

        _file.Close();
        _file.EndLife();
        _file.RemoveIfSpent(_store.Delete);
        _file.Dispose();
    }

    private void End(ErrorInfo? failure)
    {
        ThrowIfEnded(disposing: _disposed);
        _ended = true;
        _file.End(failure);
    }

    /// <summary>Whether a part may be added now.</summary>
    private bool HasRoom(long bytes)
    {
        _file.Trim(_store.Delete);
        var slowest = _file.Slowest(awaited: !_options.KeepParts);
        if (slowest is null && !_options.KeepParts)
        {
            throw new GristmillException(ErrorCodes.Conflict, $"Nobody reads stream {Id} any more.", "Stop writing it, or keep its parts.").With("stream", Id);
        }

        for (var read = slowest ?? _file.Parts; _firstUnread < read; _firstUnread++)
        {
            _unreadBytes -= _unread.Dequeue();
        }

        return _unreadBytes == 0 || _unreadBytes + bytes <= _options.MaxUnreadBytes;
    }

    private void ThrowIfEnded(bool disposing = false)
    {
        ObjectDisposedException.ThrowIf(_disposed && !disposing, this);
        if (_ended)
        {
            throw new InvalidOperationException("The stream has ended.");
        }
    }
}
