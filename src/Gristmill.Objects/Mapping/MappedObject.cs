using Apache.Arrow;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Platform;
using Gristmill.Objects.Statistics;
using Gristmill.Objects.Validation;

namespace Gristmill.Objects.Mapping;

/// <summary>
/// One object as this process has it mapped, shared by all its leases. It is unmapped when the last lease is disposed;
/// if one was leaked, when neither it nor any buffer is reachable any more.
/// </summary>
internal sealed class MappedObject
{
    private readonly MappedFile _file;
    private readonly IpcFile _ipc;
    private readonly Lock _gate = new();
    private IReadOnlyList<RecordBatch>? _batches;
    private int _leases;

    private MappedObject(MappedFile file, IpcFile ipc, ObjectRef reference)
    {
        _file = file;
        _ipc = ipc;
        Ref = reference;
    }

    public ObjectRef Ref { get; }

    /// <summary>Whether its memory is part of a larger mapping.</summary>
    public bool IsShared => _file.IsPart;

    public Schema Schema => _ipc.Schema;

    /// <summary>Bytes that its checksum is of: all before the footer.</summary>
    public long HashedBytes => _ipc.FooterStart;

    /// <summary>What it holds, if that was computed.</summary>
    public TableStatistics? Statistics => StatisticsCollector.Parse(_ipc.Metadata.Statistics);

    /// <summary>The batches, each decoded when it is first asked for.</summary>
    public IReadOnlyList<RecordBatch> Batches
    {
        get
        {
            if (Volatile.Read(ref _batches) is { } known)
            {
                return known;
            }

            lock (_gate)
            {
                return _batches ??= Decode(_file, _ipc, ValidationDepth.Structure);
            }
        }
    }

    /// <summary>Reads the footer of an object's memory, which goes with it.</summary>
    public static MappedObject Open(MappedFile file, string id, string host)
    {
        try
        {
            var ipc = Parse(file);
            return new MappedObject(file, ipc, Reference(file, ipc, id, host));
        }
        catch (GristmillException e)
        {
            file.Dispose();
            throw e.With("object", id);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether it is mapped still.</summary>
    public bool IsLeased => !_file.IsReleased;

    public bool TryAcquire()
    {
        lock (_gate)
        {
            if (_file.IsReleased)
            {
                return false;
            }

            _leases++;
            return true;
        }
    }

    /// <summary>True when this was the last lease and the mapping is gone.</summary>
    public bool Release()
    {
        lock (_gate)
        {
            if (--_leases > 0)
            {
                return false;
            }

            _file.Dispose();
            return true;
        }
    }

    public bool Owns(ReadOnlySpan<byte> memory) => _file.Owns(memory);

    public void Prefault() => _file.Prefault();

    /// <summary>
    /// The object as a stream: its schema, all dictionaries with their additions, then the batches. In the file a dictionary may lie behind the
    /// batch that brought it; additions only append, so that earlier batches mean the same with all of them.
    /// </summary>
    /// <returns>Of each message its header, and where its body lies in the file with how many bytes.</returns>
    public IEnumerable<(ReadOnlyMemory<byte> Header, long Body, long BodyLength)> Messages()
    {
        yield return (SchemaHeader(_file), 0, 0);
        foreach (var block in _ipc.Dictionaries)
        {
            yield return (Header(_file, block), block.Body, Message(_file, block, dictionary: true).BodyLength);
        }

        foreach (var block in _ipc.Batches)
        {
            yield return (Header(_file, block), block.Body, Message(_file, block, dictionary: false).BodyLength);
        }
    }

    /// <summary>Copies bytes of the file.</summary>
    public unsafe void Copy(long position, Span<byte> into)
    {
        ObjectDisposedException.ThrowIf(_file.IsReleased, typeof(ObjectLease));
        new ReadOnlySpan<byte>(_file.Pointer + position, into.Length).CopyTo(into);
    }

    /// <summary>Reads every byte before the footer and compares the checksum.</summary>
    public unsafe void Verify() => Verify(_file.Pointer, _ipc, Ref.Id);

    /// <summary>Compares the checksum of an object's memory.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/></exception>
    public static unsafe void Verify(byte* start, long length, string id) => Verify(start, IpcFile.Parse(start, length, own: true), id);

    private static unsafe void Verify(byte* start, IpcFile ipc, string id)
    {
        string claimed = ipc.Metadata.Checksum ?? throw Malformed.Because($"object {id} carries no checksum");
        string actual = Checksum.Of(start, ipc.FooterStart);
        if (actual != claimed)
        {
            throw Malformed.Because($"object {id} has checksum {actual}, {claimed} was sealed with it").With("object", id);
        }
    }

    /// <summary>The batches of a mapped file, each decoded when it is first asked for.</summary>
    internal static unsafe IReadOnlyList<RecordBatch> Decode(MappedFile file, IpcFile ipc, ValidationDepth depth)
    {
        var reader = new TableReader(ipc.Schema, ipc.Nodes, depth);
        foreach (var block in ipc.Dictionaries)
        {
            reader.AddDictionary(Message(file, block, dictionary: true), Body(file, block));
        }

        return new MappedBatches(reader, ipc.Batches.Length, (tables, i) =>
        {
            // Whoever kept the list beyond the lease gets an exception, not a fault on unmapped pages.
            ObjectDisposedException.ThrowIf(file.IsReleased, typeof(ObjectLease));
            return tables.Batch(Message(file, ipc.Batches[i], dictionary: false), Body(file, ipc.Batches[i]));
        });
    }

    private static unsafe IpcFile Parse(MappedFile file) => IpcFile.Parse(file.Pointer, file.Length, own: true);

    private static unsafe BatchMessage Message(MappedFile file, Block block, bool dictionary)
    {
        var message = BatchMessage.Decode(IpcFile.Message(file.Pointer, block));
        if (message is null || message.IsDictionary != dictionary || message.BodyLength > block.BodyLength)
        {
            throw Malformed.Because($"the message at {block.Offset} is not what the footer says");
        }

        if (message.Codec != BodyCodec.None)
        {
            throw Malformed.Because("its buffers are compressed, which segments never are");
        }

        return message;
    }

    /// <summary>The schema as it stands at the start of the file, with the ids that its dictionaries go by.</summary>
    private static unsafe ReadOnlyMemory<byte> SchemaHeader(MappedFile file)
    {
        var header = IpcFile.FirstMessage(file.Pointer, file.Length);
        _ = SchemaDecoder.DecodeMessage(header);
        return View(file, header);
    }

    private static unsafe ReadOnlyMemory<byte> Header(MappedFile file, Block block) => View(file, IpcFile.Message(file.Pointer, block));

    /// <summary>Bytes of the mapping as memory that refuses access once it is unmapped.</summary>
    private static unsafe ReadOnlyMemory<byte> View(MappedFile file, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            return new SegmentMemory(file, start, bytes.Length).Memory;
        }
    }

    private static unsafe BodyBuffer Body(MappedFile file, Block block) =>
        (offset, length) => new ArrowBuffer(new SegmentMemory(file, file.Pointer + block.Body + offset, (int)length).Memory);

    private static unsafe ObjectRef Reference(MappedFile file, IpcFile ipc, string id, string host) =>
        ipc.Reference(id, file.Length, host)

        // A file that another program put there: count.
        ?? new ObjectRef(id, Checksum.Of(SchemaEncoder.Message(ipc.Schema)),
            ipc.Batches.Sum(block => Message(file, block, dictionary: false).Rows), file.Length, host);
}
