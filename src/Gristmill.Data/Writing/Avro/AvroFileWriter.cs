using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using Apache.Arrow;
using Gristmill.Data.Sources.Avro;

namespace Gristmill.Data.Writing.Avro;

/// <summary>Writes an Avro container file: a head, and blocks of some rows each.</summary>
internal sealed class AvroFileWriter : IDisposable
{
    /// <summary>Bytes at which a block is full, before it is packed.</summary>
    private const int BlockBytes = 1 << 16;

    private readonly Stream _file;
    private readonly AvroCodec _codec;
    private readonly AvroRecord _record;
    private readonly byte[] _sync = RandomNumberGenerator.GetBytes(AvroHeader.SyncBytes);
    private readonly AvroBuffer _rows = new();
    private readonly AvroBuffer _head = new();
    private byte[] _packed = ArrayPool<byte>.Shared.Rent(1 << 17);
    private long _count;

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, <see cref="ErrorCodes.TypeMismatch"/>: Avro has no such column.</exception>
    public AvroFileWriter(Stream file, Schema schema, AvroCodec codec)
    {
        (_file, _codec, _record) = (file, codec, AvroEncoders.Of(schema));
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            _record.Declare(writer);
        }

        _head.Raw(AvroHeader.Magic);
        _head.Long(2);
        _head.Bytes("avro.schema"u8);
        _head.Bytes(json.WrittenSpan);
        _head.Bytes("avro.codec"u8);
        _head.Bytes(System.Text.Encoding.UTF8.GetBytes(codec.Name));
        _head.Long(0);
        _head.Raw(_sync);
        _file.Write(_head.Written);
    }

    public void Write(RecordBatch batch)
    {
        _record.Bind(batch);
        try
        {
            for (var row = 0; row < batch.Length; row++)
            {
                _record.Write(_rows, row);
                _count++;
                if (_rows.Length >= BlockBytes)
                {
                    Flush();
                }
            }
        }
        finally
        {
            _record.Unbind();
        }
    }

    /// <summary>Writes what is left.</summary>
    public void End()
    {
        if (_count > 0)
        {
            Flush();
        }
    }

    public void Dispose()
    {
        _rows.Dispose();
        _head.Dispose();
        ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _packed, []));
    }

    private void Flush()
    {
        if (_rows.Length > AvroCodec.LargestBlock)
        {
            throw new GristmillException(ErrorCodes.TooLarge, FormattableString.Invariant($"A row takes {_rows.Length} bytes, and a block of Avro has up to {AvroCodec.LargestBlock >> 20} MiB."), "Write Parquet or Arrow.");
        }

        var packed = _codec.Pack(_rows.Written, ref _packed);
        _head.Clear();
        _head.Long(_count);
        _head.Long(packed.Length);
        _file.Write(_head.Written);
        _file.Write(packed);
        _file.Write(_sync);
        _rows.Clear();
        _count = 0;
    }
}
