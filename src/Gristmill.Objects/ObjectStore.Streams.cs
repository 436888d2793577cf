using Apache.Arrow;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Streams;

namespace Gristmill.Objects;

// Tables that are read while they are made.
public sealed partial class ObjectStore
{
    /// <summary>Starts a stream: a table of which others of this host read each part as soon as it is there. See <see cref="ObjectStreamWriter"/>.</summary>
    /// <param name="schema">Schema of all its parts.</param>
    /// <param name="options">How many readers it has, and how far they may be behind; null: the defaults.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/>, <see cref="ErrorCodes.Invalid"/>.</exception>
    public ObjectStreamWriter CreateStream(Schema schema, ObjectStreamOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(schema);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new ObjectStreamWriter(this, schema, options ?? new ObjectStreamOptions());
    }

    /// <summary>The columns of a stream, without reading it; null if there is no such stream on this host (any more).</summary>
    /// <param name="id">The stream's id.</param>
    public Schema? GetStreamSchema(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        ObjectDisposedException.ThrowIf(_disposed, this);
        using var file = IsId(id) ? StreamFile.Find(Options.Directory, id) : null;
        return file is null ? null : SchemaDecoder.DecodeMessage(file.Schema()).Schema;
    }

    /// <summary>Begins to read a stream, from its first part on, or where a reader that died was.</summary>
    /// <param name="id">The stream's id.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.ObjectNotFound"/>: there is no such stream on this host (any more). <see cref="ErrorCodes.Conflict"/>: it has all of its readers.
    /// </exception>
    public ObjectStreamReader OpenStream(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return IsId(id) && StreamFile.Find(Options.Directory, id) is { } file ? new ObjectStreamReader(this, file)
            : throw NoStream(id);
    }

    /// <summary>The error of a stream that is not there.</summary>
    /// <param name="id">Its id.</param>
    public static GristmillException NoStream(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return new GristmillException(ErrorCodes.ObjectNotFound, $"There is no stream {(id.Length > 64 ? id[..64] + "..." : id)} on this host.",
            "It has ended, or its writer is on another host.").With("stream", id);
    }
}
