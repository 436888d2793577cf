using System.Globalization;
using System.Runtime.CompilerServices;
using Apache.Arrow;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Streams;

namespace Gristmill.Objects;

/// <summary>
/// Follows a stream while it grows. If a reader's process dies, the next that opens the stream takes its place and begins with the part that it had not
/// done with: each part is read at least once. Not safe for several threads.
/// </summary>
public sealed class ObjectStreamReader : IDisposable
{
    private const int LooksForWriter = 64;

    private readonly ObjectStore _store;
    private readonly StreamFile _file;
    private readonly int _place;
    private readonly string _fingerprint;
    private long _next;
    private bool _isOut;
    private bool _disposed;

    internal ObjectStreamReader(ObjectStore store, StreamFile file)
    {
        (_store, _file) = (store, file);
        try
        {
            var message = file.Schema();
            (Schema, _) = SchemaDecoder.DecodeMessage(message);
            (SchemaMessage, _fingerprint) = (message, Checksum.Of(message));
            _place = file.TakePlace();
            if (_place < 0)
            {
                throw new GristmillException(ErrorCodes.Conflict, $"Stream {file.Id} has all of its {file.Readers} readers.", "Write it with Readers as many as there are.").With("stream", file.Id);
            }
        }
        catch
        {
            file.Dispose();
            throw;
        }

        _next = file.ReadBy(_place);
    }

    /// <summary>The stream's id.</summary>
    public string Id => _file.Id;

    /// <summary>The schema of its parts.</summary>
    public Schema Schema { get; }

    /// <summary>The schema as an Arrow IPC message, without the length prefix: with the messages of its parts behind their own schemas it makes an IPC stream.</summary>
    public ReadOnlyMemory<byte> SchemaMessage { get; }

    /// <summary>The next part, as soon as it is there; null after the last. Who asks is done with the one before, which may be deleted: its lease stays valid.</summary>
    /// <param name="cancellationToken">Ends the waiting; the part can be asked for again.</param>
    /// <returns>A lease on it, to be disposed of by the caller.</returns>
    /// <exception cref="GristmillException">
    /// What the writer failed with, after the last part; <see cref="ErrorCodes.WorkerCrashed"/>: its process ended before the stream did. <see cref="ErrorCodes.ObjectNotFound"/>:
    /// somebody deleted the part.
    /// </exception>
    public async Task<ObjectLease?> ReadAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_isOut)
        {
            _isOut = false;
            _file.Advance(_place, ++_next);
            _file.Trim(_store.Delete);
        }

        var looks = 0;
        var isLost = false;
        await StreamWait.UntilAsync(() => _file.Parts > _next || _file.State != StreamState.Growing || (++looks % LooksForWriter == 0 && (isLost = !_file.IsWritten)), cancellationToken)
            .ConfigureAwait(false);

        // Looked at again: its last part may have come, and its end, just before its writer went.
        if (_file.Parts > _next)
        {
            var lease = _store.Get(Reference(_file.Part(_next)));
            _isOut = true;
            return lease;
        }

        return _file.State switch
        {
            StreamState.Complete => null,
            StreamState.Failed => throw new GristmillException(_file.Failure()),
            _ when isLost => throw new GristmillException(ErrorCodes.WorkerCrashed, $"The process that wrote stream {Id} ended after part {_next}.", "Run again what wrote it.").With("stream", Id),
            _ => throw new InvalidOperationException("The stream is in no state that it can be in."),
        };
    }

    /// <summary>All parts from the next on. Each lease is the caller's to dispose of.</summary>
    /// <inheritdoc cref="ReadAsync" path="/exception"/>
    public async IAsyncEnumerable<ObjectLease> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await ReadAsync(cancellationToken).ConfigureAwait(false) is { } part)
        {
            yield return part;
        }
    }

    /// <summary>Leaves the stream: the writer waits no longer for this reader.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _file.Leave(_place);
        _file.Trim(_store.Delete);
        _file.EndLife();
        _file.RemoveIfSpent(_store.Delete);
        _file.Dispose();
    }

    private ObjectRef Reference(StreamPart part) => new(StreamFile.IdOf(part.Id), _fingerprint, part.Rows, part.Bytes, _store.Options.Host)
    {
        Checksum = part.Checksum == 0 ? null : part.Checksum.ToString("x16", CultureInfo.InvariantCulture),
    };
}
