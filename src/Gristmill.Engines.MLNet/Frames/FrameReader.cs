using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Microsoft.Data.Analysis;

namespace Gristmill.Engines.MLNet;

/// <summary>Arrow columns of several batches as one column of a frame.</summary>
internal static class FrameReader
{
    /// <exception cref="GristmillException">type_mismatch, bad_value, too_large, naming the column.</exception>
    public static DataFrameColumn Read(string name, IArrowType type, IReadOnlyList<IArrowArray> parts, out long bytes)
    {
        var column = type.TypeId switch
        {
            ArrowTypeId.Int8 => Values<sbyte>(name, parts).To((v, n, c, z) => new SByteDataFrameColumn(name, v, n, c, z)),
            ArrowTypeId.UInt8 => Values<byte>(name, parts).To((v, n, c, z) => new ByteDataFrameColumn(name, v, n, c, z)),
            ArrowTypeId.Int16 => Values<short>(name, parts).To((v, n, c, z) => new Int16DataFrameColumn(name, v, n, c, z)),
            ArrowTypeId.UInt16 => Values<ushort>(name, parts).To((v, n, c, z) => new UInt16DataFrameColumn(name, v, n, c, z)),
            ArrowTypeId.Int32 => Values<int>(name, parts).To((v, n, c, z) => new Int32DataFrameColumn(name, v, n, c, z)),
            ArrowTypeId.UInt32 => Values<uint>(name, parts).To((v, n, c, z) => new UInt32DataFrameColumn(name, v, n, c, z)),
            ArrowTypeId.Int64 => Values<long>(name, parts).To((v, n, c, z) => new Int64DataFrameColumn(name, v, n, c, z)),
            ArrowTypeId.UInt64 => Values<ulong>(name, parts).To((v, n, c, z) => new UInt64DataFrameColumn(name, v, n, c, z)),
            ArrowTypeId.Float => Values<float>(name, parts).To((v, n, c, z) => new SingleDataFrameColumn(name, v, n, c, z)),
            ArrowTypeId.Double => Values<double>(name, parts).To((v, n, c, z) => new DoubleDataFrameColumn(name, v, n, c, z)),
            ArrowTypeId.HalfFloat => Fill(name, parts, new SingleDataFrameColumn(name, Rows(name, parts)), static a => i => (float)((HalfFloatArray)a).GetValue(i)!.Value),
            ArrowTypeId.Boolean => Fill(name, parts, new BooleanDataFrameColumn(name, Rows(name, parts)), static a => i => ((BooleanArray)a).GetValue(i)!.Value),
            ArrowTypeId.Decimal128 => Fill(name, parts, new DecimalDataFrameColumn(name, Rows(name, parts)), static a => i => ((Decimal128Array)a).GetValue(i)!.Value),
            ArrowTypeId.Date32 or ArrowTypeId.Date64 or ArrowTypeId.Timestamp => Fill(name, parts, new DateTimeDataFrameColumn(name, Rows(name, parts)), Instant),
            ArrowTypeId.String or ArrowTypeId.LargeString or ArrowTypeId.StringView or ArrowTypeId.Dictionary => Texts(name, type, parts),
            _ => throw Unfit(name, type),
        };
        // Each value once: dictionaries' texts are shared, and counted as often as they come.
        bytes = column is StringDataFrameColumn text ? text.Sum(t => 2L * (t?.Length ?? 0)) : column.Length * Width(column);
        return column;
    }

    private static Block Values<T>(string name, IReadOnlyList<IArrowArray> parts)
        where T : unmanaged
    {
        var rows = Rows(name, parts);
        if ((long)rows * Unsafe.SizeOf<T>() > System.Array.MaxLength)
        {
            throw new GristmillException(ErrorCodes.TooLarge, $"Column '{name}' has {rows} values of {Unsafe.SizeOf<T>()} bytes, above 2 GiB, which a frame's column cannot hold.",
                "Select fewer rows in SQL.").With("column", name);
        }

        var values = new byte[rows * Unsafe.SizeOf<T>()];
        var valid = new byte[(rows + 7) / 8];
        var (at, nulls) = (0, 0);
        foreach (var part in parts)
        {
            part.Data.Buffers[1].Span.Slice(part.Data.Offset * Unsafe.SizeOf<T>(), part.Length * Unsafe.SizeOf<T>()).CopyTo(values.AsSpan(at * Unsafe.SizeOf<T>()));
            for (var i = 0; i < part.Length; i++, at++)
            {
                if (part.NullCount == 0 || part.IsValid(i))
                {
                    valid[at >> 3] |= (byte)(1 << (at & 7));
                }
                else
                {
                    nulls++;
                    values.AsSpan(at * Unsafe.SizeOf<T>(), Unsafe.SizeOf<T>()).Clear();
                }
            }
        }

        return new Block(values, valid, rows, nulls);
    }

    private static PrimitiveDataFrameColumn<T> Fill<T>(
        string name, IReadOnlyList<IArrowArray> parts, PrimitiveDataFrameColumn<T> column, Func<IArrowArray, Func<int, T>> reader)
        where T : unmanaged
    {
        var at = 0L;
        foreach (var part in parts)
        {
            var read = reader(part);
            for (var i = 0; i < part.Length; i++, at++)
            {
                try
                {
                    column[at] = part.IsNull(i) ? null : read(i);
                }
                catch (Exception e) when (e is OverflowException or ArgumentOutOfRangeException)
                {
                    throw new GristmillException(ErrorCodes.BadValue, $"Column '{name}', row {at}: the value does not fit into {typeof(T).Name}.",
                        "Cast it in SQL.", e).With("column", name);
                }
            }
        }

        return column;
    }

    private static StringDataFrameColumn Texts(string name, IArrowType type, IReadOnlyList<IArrowArray> parts)
    {
        var column = new StringDataFrameColumn(name, Rows(name, parts));
        var at = 0L;
        foreach (var part in parts)
        {
            if (part is DictionaryArray dictionary)
            {
                // Each text is decoded once; rows share it.
                var values = Enumerable.Range(0, dictionary.Dictionary.Length).Select(Text(name, type, dictionary.Dictionary)).ToArray();
                for (var i = 0; i < part.Length; i++, at++)
                {
                    column[at] = dictionary.IsNull(i) ? null : values[Code(dictionary.Indices, i)];
                }

                continue;
            }

            var text = Text(name, type, part);
            for (var i = 0; i < part.Length; i++, at++)
            {
                column[at] = text(i);
            }
        }

        return column;
    }

    private static Func<int, string?> Text(string name, IArrowType type, IArrowArray array) => array switch
    {
        StringArray a => i => a.GetString(i),
        LargeStringArray a => i => a.GetString(i),
        StringViewArray a => i => a.GetString(i),
        _ => throw Unfit(name, type),
    };

    private static int Code(IArrowArray codes, int i) => codes switch
    {
        Int8Array a => a.Values[i],
        UInt8Array a => a.Values[i],
        Int16Array a => a.Values[i],
        UInt16Array a => a.Values[i],
        Int32Array a => a.Values[i],
        UInt32Array a => (int)a.Values[i],
        Int64Array a => (int)a.Values[i],
        UInt64Array a => (int)a.Values[i],
        _ => throw new InvalidOperationException($"{codes.Data.DataType.Name} is no code of a dictionary."),
    };

    // Nanoseconds are cut to the 100 of .NET's ticks.
    private static Func<int, DateTime> Instant(IArrowArray array) => array switch
    {
        Date32Array a => i => DateTime.UnixEpoch.AddDays(a.Values[i]),
        Date64Array a => i => DateTime.UnixEpoch.AddMilliseconds(a.Values[i]),
        TimestampArray a => i => DateTime.UnixEpoch.AddTicks(((TimestampType)a.Data.DataType).Unit switch
        {
            TimeUnit.Second => checked(a.Values[i] * TimeSpan.TicksPerSecond),
            TimeUnit.Millisecond => checked(a.Values[i] * TimeSpan.TicksPerMillisecond),
            TimeUnit.Microsecond => checked(a.Values[i] * TimeSpan.TicksPerMicrosecond),
            _ => (long)Math.Floor((decimal)a.Values[i] / TimeSpan.NanosecondsPerTick),
        }),
        _ => throw new InvalidOperationException($"{array.Data.DataType.Name} is no instant."),
    };

    private static int Width(DataFrameColumn column) => column switch
    {
        DecimalDataFrameColumn => 16,
        DateTimeDataFrameColumn => 8,
        _ => Marshal.SizeOf(column.DataType == typeof(bool) ? typeof(byte) : column.DataType),
    };

    private static int Rows(string name, IReadOnlyList<IArrowArray> parts)
    {
        var rows = parts.Sum(p => (long)p.Length);
        return rows <= System.Array.MaxLength
            ? (int)rows
            : throw new GristmillException(ErrorCodes.TooLarge, $"Column '{name}' has {rows} rows, more than a frame's column can hold.", "Select fewer rows in SQL.").With("column", name);
    }

    private static GristmillException Unfit(string name, IArrowType type) => new GristmillException(ErrorCodes.TypeMismatch,
        $"Column '{name}' is {type.Name}, which a data frame does not have.", "Leave the column out, or cast it in SQL.").With("column", name);

    private readonly record struct Block(byte[] Values, byte[] Valid, int Rows, int Nulls)
    {
        public DataFrameColumn To(Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, int, int, DataFrameColumn> make) => make(Values, Valid, Rows, Nulls);
    }
}
