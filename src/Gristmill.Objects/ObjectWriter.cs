using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Memory;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Mapping;
using Gristmill.Objects.Platform;
using Gristmill.Objects.Statistics;
using Gristmill.Objects.Writing;

namespace Gristmill.Objects;

/// <summary>
/// Builds one object in place: columns are allocated inside the segment, so that sealing copies nothing. Not safe for
/// several threads; buffers of one batch may be filled in parallel.
/// </summary>
/// <remarks>
/// The first dictionary of a column is kept as it is. Batches with another one are mapped onto it and values it lacks are
/// added, which costs a copy of their indices, and of the dictionary in each reader: share one where you can. Allocated memory may be used until <see cref="Seal"/> or <see cref="Dispose"/>, and throws <see cref="ObjectDisposedException"/> after.
/// </remarks>
public sealed class ObjectWriter : IDisposable
{
    private const int CopiedPiece = 256 << 10;

    /// <summary>What several threads copy.</summary>
    private const int LargeCopy = 4 << 20;

    /// <summary>What is hashed on another thread, unless it is in the processor's cache still.</summary>
    private const int HashedAside = 1 << 20;

    private readonly ObjectStore _store;
    private readonly SegmentFile _file;
    private readonly EncodedSchema _encoded;
    private readonly FieldNode[] _nodes;
    private readonly DictionaryWriter _dictionaries;
    private readonly List<Block> _dictionaryBlocks = [];
    private readonly List<Block> _batchBlocks = [];
    private readonly XxHash3 _hash = new();
    private readonly string? _owner = ObjectOwner.Current;
    private readonly int _metadataRoom;
    private StatisticsCollector? _statistics;
    private SegmentAllocator? _allocator;
    private long _position;
    private long _hashed;
    private Task _hashing = Task.CompletedTask;
    private long _batchStart = -1;
    private long _rows;
    private bool _closed;

    internal ObjectWriter(ObjectStore store, Schema schema, SegmentFile file, EncodedSchema encoded)
    {
        _store = store;
        _file = file;
        _encoded = encoded;
        _nodes = encoded.Nodes;
        _dictionaries = new DictionaryWriter(this, _nodes);
        _metadataRoom = Align(8 + encoded.BatchBound);
        Schema = schema;
        try
        {
            WriteHeader(encoded.Message);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The schema.</summary>
    public Schema Schema { get; }

    /// <summary>Allocates for Arrow's builders inside the current batch: <c>builder.Build(writer.Allocator)</c> then needs no second copy.</summary>
    public MemoryAllocator Allocator => _allocator ??= new SegmentAllocator(this);

    /// <summary>What copies are counted under.</summary>
    internal string Bridge { get; set; } = "segment";

    /// <summary>
    /// Computes from now on what the batches hold, to be kept with the object (<see cref="ObjectLease.Statistics"/>): for tables that come from outside, of which nobody
    /// knows yet. Of the first 256 columns; some 20 ns a value.
    /// </summary>
    /// <exception cref="InvalidOperationException">A batch was ended before.</exception>
    public void CollectStatistics()
    {
        ThrowIfClosed();
        if (_batchBlocks.Count > 0)
        {
            throw new InvalidOperationException("Statistics are of all batches: ask for them before the first.");
        }

        _statistics ??= new StatisticsCollector(Schema);
    }

    /// <summary>Starts a record batch; the one before must be ended.</summary>
    public void BeginBatch()
    {
        ThrowIfClosed();
        if (_batchStart >= 0)
        {
            throw new InvalidOperationException("A batch is open: end it before beginning another.");
        }

        _batchStart = Reserve(_metadataRoom);
    }

    /// <summary>
    /// Allocates a zeroed, 64-byte aligned buffer inside the current batch, for a validity bitmap, offsets or values.
    /// Fill it through its memory, then wrap it with <see cref="ArrowBuffer"/> into arrays given to <see cref="EndBatch"/>.
    /// </summary>
    /// <param name="bytes">Length in bytes.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/>: no room.</exception>
    public Memory<byte> Allocate(int bytes)
    {
        var memory = AllocateUninitialized(bytes);
        Clear(_position - Align(bytes), _position);
        return memory;
    }

    /// <summary>Allocates like <see cref="Allocate"/> a buffer of which every byte will be written: what lies there may be of an object that was deleted.</summary>
    /// <param name="bytes">Length in bytes.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/>: no room.</exception>
    public unsafe Memory<byte> AllocateUninitialized(int bytes)
    {
        ThrowIfClosed();
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (_batchStart < 0)
        {
            throw new InvalidOperationException("No batch is open: begin one before allocating.");
        }

        if (bytes == 0)
        {
            return Memory<byte>.Empty;
        }

        long at = Reserve(bytes);
        _file.Populate(at, bytes);
        return new SegmentMemory(_file, _file.At(at), bytes).Memory;
    }

    /// <summary>
    /// Ends the batch. Buffers that lie in this segment are taken as they are; any other buffer is copied in and counted
    /// as copied under "segment".
    /// </summary>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="columns">One array a field.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: an array does not fit its field; <see cref="ErrorCodes.StoreFull"/>.</exception>
    public void EndBatch(int rows, IReadOnlyList<IArrowArray> columns)
    {
        ThrowIfClosed();
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        if (_batchStart < 0)
        {
            throw new InvalidOperationException("No batch is open.");
        }

        var given = BatchShape.Check(_nodes, rows, columns);
        Finish(rows, given, _dictionaries.Unify(given));
    }

    /// <summary>Copies a whole batch in (counted as copied under "segment").</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the batch does not fit the schema; <see cref="ErrorCodes.StoreFull"/>.</exception>
    public void Append(RecordBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ThrowIfClosed();
        if (_batchStart >= 0)
        {
            throw new InvalidOperationException("A batch is open: end it before appending another.");
        }

        var columns = batch.Arrays as IReadOnlyList<IArrowArray> ?? [.. batch.Arrays];

        // Dictionaries known beforehand stand before the batch, so that the file also reads as a stream from its start.
        var given = BatchShape.Check(_nodes, batch.Length, columns);
        var data = _dictionaries.Unify(given);
        _dictionaries.WriteNew(data);
        BeginBatch();
        try
        {
            Finish(batch.Length, given, data);
        }
        catch
        {
            if (_batchStart >= 0)
            {
                Clear(_batchStart, _batchStart + _metadataRoom);
                _batchStart = -1; // nobody else could end it
            }

            throw;
        }
    }

    /// <summary>Writes footer and checksum, and publishes the segment atomically under its id.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/>: no room for the footer.</exception>
    public ObjectRef Seal()
    {
        ThrowIfClosed();
        if (_batchStart >= 0)
        {
            throw new InvalidOperationException("A batch is open: end it before sealing.");
        }

        // The end of the stream that the file also is, then the footer, which says the checksum of all before it.
        string? statistics = _statistics?.Finish();
        int room = 8 + FooterBound() + Encoding.UTF8.GetMaxByteCount(statistics?.Length ?? 0) + 10;
        long end = Reserve(room);
        var tail = Span(end, room);
        BinaryPrimitives.WriteInt64LittleEndian(tail, uint.MaxValue); // a message of no bytes
        HashUpTo(end + 8);
        string checksum = Checksum.Show(_hash.GetCurrentHashAsUInt64());
        byte[] footer = Footer(checksum, statistics);
        footer.CopyTo(tail[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(tail[(8 + footer.Length)..], footer.Length);
        IpcFile.Magic[..6].CopyTo(tail[(8 + footer.Length + 4)..]);
        long length = end + 8 + footer.Length + 10;
        string id = _file.Publish(length);
        Dispose();
        return new ObjectRef(id, _encoded.Fingerprint, _rows, length, _store.Options.Host) { Checksum = checksum };
    }

    /// <summary>Gives the segment up unless it was sealed.</summary>
    public void Dispose()
    {
        _closed = true;
        _hashing.Wait();
        _file.Dispose();
    }

    /// <summary>Room at the end of what is written, 64-byte aligned. What it is filled up with is zero, itself it need not be.</summary>
    internal long Reserve(long bytes)
    {
        long at = _file.Place(_position, Align(bytes));
        _position = at + Align(bytes);
        Clear(at + bytes, _position);
        return at;
    }

    internal unsafe Span<byte> Span(long position, int bytes) => new(_file.At(position), bytes);

    /// <summary>Where memory lies in this segment, or -1 if elsewhere.</summary>
    internal unsafe long Locate(ReadOnlySpan<byte> memory)
    {
        fixed (byte* start = memory)
        {
            return _file.Locate(start, memory.Length);
        }
    }

    /// <summary>Writes values of a field's dictionary.</summary>
    /// <returns>The values as they lie in the segment.</returns>
    internal ArrayData WriteDictionary(FieldNode node, ArrayData values, bool isDelta)
    {
        int room = Align(8 + BatchShape.DictionaryBound(node));
        long start = Reserve(room);
        var placer = new ArrayPlacer(this, start + room);
        try
        {
            placer.PlaceValues(node, values);
        }
        catch
        {
            Clear(start, _position); // room that nothing refers to
            throw;
        }

        byte[] message = MessageEncoder.Batch(values.Length, placer.Parts, _position - start - room, node.DictionaryId, isDelta);
        WriteMessage(_dictionaryBlocks, start, room, _position, message);
        CopyCounter.Add(Bridge, placer.Copied);
        foreach (var (source, at) in placer.Copies)
        {
            _file.Write(at, source.Span);
        }

        var decoder = new BatchDecoder(BatchMessage.Decode(message)!, (offset, length) => View(start + room + offset, (int)length), inner => _dictionaries[inner]);
        return decoder.Values(node);
    }

    /// <param name="rows">Rows of the batch.</param>
    /// <param name="given">Its columns.</param>
    /// <param name="data">The same, their indices those of the dictionaries that are written.</param>
    private void Finish(int rows, ArrayData[] given, ArrayData[] data)
    {
        var placer = new ArrayPlacer(this, _batchStart + _metadataRoom);
        long built = _position, bodyEnd = built;
        try
        {
            for (int i = 0; i < data.Length; i++)
            {
                placer.Place(_nodes[i], data[i]);
                bodyEnd = _position;
            }

            // Dictionaries first seen now stand behind the body, which file readers allow. The batch counts only once they are
            // written, so that running out of room leaves no batch without its dictionary.
            _dictionaries.WriteNew(data);
        }
        catch
        {
            Clear(built, bodyEnd); // room that nothing refers to
            throw;
        }

        WriteMessage(_batchBlocks, _batchStart, _metadataRoom, bodyEnd, MessageEncoder.Batch(rows, placer.Parts, bodyEnd - _batchStart - _metadataRoom));
        CopyCounter.Add(Bridge, placer.Copied);
        _batchStart = -1;
        _rows += rows;
        try
        {
            CopyIn(placer.Copies);
            HashUpTo(_position, aside: true);
            _statistics?.Add(rows, given);
        }
        catch
        {
            Dispose(); // the batch counts, and is not whole: nothing can be sealed any more
            throw;
        }
    }

    /// <summary>Copies what a batch refers to, and hashes it while the processor's cache has it still.</summary>
    private void CopyIn(IReadOnlyList<(ReadOnlyMemory<byte> Source, long Position)> copies)
    {
        foreach (var (source, position) in copies)
        {
            HashUpTo(position);
            if (source.Length < LargeCopy || Environment.ProcessorCount == 1)
            {
                for (int at = 0; at < source.Length; at += CopiedPiece)
                {
                    var piece = source.Span.Slice(at, Math.Min(CopiedPiece, source.Length - at));
                    _file.Write(position + at, piece);
                    _hash.Append(piece);
                }
            }
            else
            {
                ParallelCopy.Run(source, CopiedPiece, (piece, at) => _file.Write(position + at, piece), _hash.Append);
            }

            _hashed = position + source.Length;
        }
    }

    /// <summary>Zeroes what may be left in a range of an object that was deleted.</summary>
    private void Clear(long from, long end)
    {
        end = Math.Min(end, _file.Dirty);
        while (from < end)
        {
            int run = (int)Math.Min(Math.Min(end - from, _file.RunFrom(from)), 1 << 30);
            Span(from, run).Clear();
            from += run;
        }
    }

    private static int Align(int bytes) => (bytes + 63) & ~63;

    private static long Align(long bytes) => (bytes + 63) & ~63L;

    private void WriteHeader(byte[] message)
    {
        // Magic, then the schema message, padded so that what follows is aligned.
        int total = Align(8 + 8 + message.Length);
        var header = Span(Reserve(total), total);
        IpcFile.Magic.CopyTo(header);
        WriteFramed(header[8..], message);
    }

    private void WriteMessage(List<Block> blocks, long start, int room, long end, byte[] message)
    {
        WriteFramed(Span(start, room), message);
        blocks.Add(new Block(start, room, end - (start + room)));
    }

    /// <summary>A message with its length prefix, which covers the padding.</summary>
    private static void WriteFramed(Span<byte> target, byte[] message)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, -1);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], target.Length - 8);
        message.CopyTo(target[8..]);
        target[(8 + message.Length)..].Clear();
    }

    /// <summary>Bytes that the footer takes at most: the schema again, the blocks, and 5 pairs of texts.</summary>
    private int FooterBound() => _encoded.Message.Length + 24 * (_dictionaryBlocks.Count + _batchBlocks.Count) + 3 * (_owner?.Length ?? 0) + 1024;

    private byte[] Footer(string checksum, string? statistics)
    {
        var metadata = new Dictionary<string, string>
        {
            [SegmentFooter.ChecksumKey] = checksum,
            [SegmentFooter.FingerprintKey] = _encoded.Fingerprint,
            [SegmentFooter.RowsKey] = _rows.ToString(CultureInfo.InvariantCulture),
            [SegmentFooter.CreatedKey] = _store.Options.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture),
        };
        if (_owner is not null)
        {
            metadata[SegmentFooter.OwnerKey] = _owner;
        }

        if (statistics is not null)
        {
            metadata[SegmentFooter.StatisticsKey] = statistics;
        }

        return MessageEncoder.Footer(Schema, _dictionaryBlocks, _batchBlocks, metadata);
    }

    private unsafe ArrowBuffer View(long position, int length) => new(new SegmentMemory(_file, _file.At(position), length).Memory);

    /// <summary>Hashes what was written since, as batches end, so that sealing a large object takes no time of its own.</summary>
    /// <param name="position">Up to where.</param>
    /// <param name="aside">Whether much of it may be hashed while its maker computes what comes next: it stays as it is.</param>
    private unsafe void HashUpTo(long position, bool aside = false)
    {
        _hashing.Wait();
        bool large = aside && position - _hashed >= HashedAside;
        while (_hashed < position)
        {
            long run = Math.Min(position - _hashed, _file.RunFrom(_hashed));
            nint start = (nint)_file.At(_hashed);
            if (large)
            {
                _hashing = _hashing.ContinueWith(_ => Checksum.Append(_hash, (byte*)start, run), TaskScheduler.Default);
            }
            else
            {
                Checksum.Append(_hash, (byte*)start, run);
            }

            _hashed += run;
        }
    }

    private void ThrowIfClosed() => ObjectDisposedException.ThrowIf(_closed, this);
}
