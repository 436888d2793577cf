using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;
using Microsoft.Data.Analysis;

namespace Gristmill.Engines.MLNet;

/// <summary>A column of a frame as Arrow arrays that lie in a segment.</summary>
internal abstract class FrameWriter
{
    // Values of 16 bytes stay far below the 2 GiB of one buffer.
    public const int BatchRows = 1 << 24;

    public abstract IArrowType Type { get; }

    /// <exception cref="GristmillException">type_mismatch, naming the column.</exception>
    public static FrameWriter Of(DataFrameColumn column) => column switch
    {
        PrimitiveDataFrameColumn<sbyte> c => new Numbers<sbyte>(c, Int8Type.Default),
        PrimitiveDataFrameColumn<byte> c => new Numbers<byte>(c, UInt8Type.Default),
        PrimitiveDataFrameColumn<short> c => new Numbers<short>(c, Int16Type.Default),
        PrimitiveDataFrameColumn<ushort> c => new Numbers<ushort>(c, UInt16Type.Default),
        PrimitiveDataFrameColumn<int> c => new Numbers<int>(c, Int32Type.Default),
        PrimitiveDataFrameColumn<uint> c => new Numbers<uint>(c, UInt32Type.Default),
        PrimitiveDataFrameColumn<long> c => new Numbers<long>(c, Int64Type.Default),
        PrimitiveDataFrameColumn<ulong> c => new Numbers<ulong>(c, UInt64Type.Default),
        PrimitiveDataFrameColumn<float> c => new Numbers<float>(c, FloatType.Default),
        PrimitiveDataFrameColumn<double> c => new Numbers<double>(c, DoubleType.Default),
        PrimitiveDataFrameColumn<bool> c => new Built(BooleanType.Default, (allocator, start, count) =>
        {
            var builder = new BooleanArray.Builder().Reserve(count);
            for (var i = start; i < start + count; i++)
            {
                _ = c[i] is { } value ? builder.Append(value) : builder.AppendNull();
            }

            return builder.Build(allocator);
        }),
        PrimitiveDataFrameColumn<DateTime> c => new Built(new TimestampType(TimeUnit.Microsecond, (string?)null), (allocator, start, count) => Instants(c, allocator, start, count)),
        PrimitiveDataFrameColumn<decimal> c => Decimals(c),
        StringDataFrameColumn c => new Built(StringType.Default, (allocator, start, count) => Texts(column.Name, i => c[i], allocator, start, count)),
        ArrowStringDataFrameColumn c => new Built(StringType.Default, (allocator, start, count) => Texts(column.Name, i => c[i], allocator, start, count)),
        _ => throw new GristmillException(ErrorCodes.TypeMismatch, $"Column '{column.Name}' of the data frame has values of {column.DataType.Name}, which tables do not have.",
            "Leave the column out, or make it one of numbers or text.").With("column", column.Name),
    };

    public abstract IArrowArray Write(ObjectWriter writer, long start, int count);

    private static StringArray Texts(string name, Func<long, string?> text, Apache.Arrow.Memory.MemoryAllocator allocator, long start, int count)
    {
        var builder = new StringArray.Builder().Reserve(count);
        try
        {
            for (var i = start; i < start + count; i++)
            {
                _ = text(i) is { } value ? builder.Append(value) : builder.AppendNull();
            }
        }
        catch (Exception e) when (e is OverflowException or OutOfMemoryException or ArgumentOutOfRangeException)
        {
            throw new GristmillException(ErrorCodes.TooLarge, $"Column '{name}': {count} texts have more than 2 GiB.", "Write the frame in parts.", e).With("column", name);
        }

        return builder.Build(allocator);
    }

    private static TimestampArray Instants(PrimitiveDataFrameColumn<DateTime> column, Apache.Arrow.Memory.MemoryAllocator allocator, long start, int count)
    {
        var builder = new Int64Array.Builder().Reserve(count);
        for (var i = start; i < start + count; i++)
        {
            _ = column[i] is { } value
                ? builder.Append((long)Math.Floor((value.Ticks - DateTime.UnixEpoch.Ticks) / (decimal)TimeSpan.TicksPerMicrosecond))
                : builder.AppendNull();
        }

        var data = builder.Build(allocator).Data;
        return new TimestampArray(new ArrayData(new TimestampType(TimeUnit.Microsecond, (string?)null), data.Length, data.NullCount, data.Offset, data.Buffers));
    }

    private static Built Decimals(PrimitiveDataFrameColumn<decimal> column)
    {
        var scale = 0;
        for (var i = 0L; i < column.Length; i++)
        {
            scale = Math.Max(scale, column[i]?.Scale ?? 0);
        }

        var type = new Decimal128Type(38, scale);
        return new Built(type, (allocator, start, count) =>
        {
            var builder = new Decimal128Array.Builder(type).Reserve(count);
            for (var i = start; i < start + count; i++)
            {
                try
                {
                    _ = column[i] is { } value ? builder.Append(value) : builder.AppendNull();
                }
                catch (OverflowException e)
                {
                    throw new GristmillException(ErrorCodes.BadValue, $"Column '{column.Name}', row {i}: {column[i]} has more than 38 digits with {scale} behind the point.",
                        "Round the column's decimals.", e).With("column", column.Name);
                }
            }

            return builder.Build(allocator);
        });
    }

    private sealed class Built(IArrowType type, Func<Apache.Arrow.Memory.MemoryAllocator, long, int, IArrowArray> build) : FrameWriter
    {
        public override IArrowType Type => type;

        public override IArrowArray Write(ObjectWriter writer, long start, int count) => build(writer.Allocator, start, count);
    }

    private sealed class Numbers<T>(PrimitiveDataFrameColumn<T> column, IArrowType type) : FrameWriter
        where T : unmanaged
    {
        public override IArrowType Type => type;

        public override IArrowArray Write(ObjectWriter writer, long start, int count)
        {
            var memory = writer.AllocateUninitialized(count * Unsafe.SizeOf<T>());
            var values = MemoryMarshal.Cast<byte, T>(memory.Span);
            var from = 0L;
            foreach (var buffer in column.GetReadOnlyDataBuffers())
            {
                // Buffers may hold more than is used of them; the last one's rest is cut off by count.
                var (first, last) = (Math.Max(from, start), Math.Min(from + buffer.Length, start + count));
                if (first < last)
                {
                    buffer.Span[(int)(first - from)..(int)(last - from)].CopyTo(values[(int)(first - start)..]);
                }

                from += buffer.Length;
            }

            var (valid, nulls) = (Memory<byte>.Empty, 0);
            if (column.NullCount > 0)
            {
                valid = writer.Allocate((count + 7) / 8);
                for (var i = 0; i < count; i++)
                {
                    if (column.IsValid(start + i))
                    {
                        valid.Span[i >> 3] |= (byte)(1 << (i & 7));
                    }
                    else
                    {
                        nulls++;
                    }
                }
            }

            return ArrowArrayFactory.BuildArray(new ArrayData(type, count, nulls, 0, [new ArrowBuffer(valid), new ArrowBuffer(memory)]));
        }
    }
}
