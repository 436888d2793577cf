using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Writing.Postgres;

/// <summary>A column of a binary COPY to the server: writes Arrow's values as the server's type takes them. No value is rounded or cut.</summary>
internal abstract class PostgresField
{
    /// <summary>Writes a value.</summary>
    /// <returns>Its bytes; -1: the type does not hold it.</returns>
    public delegate int Encoder<T>(T value, Span<byte> to);

    protected abstract ColumnReader Column { get; }

    /// <summary>Turns to the column of another block.</summary>
    public virtual void Bind(ArrayData data) => Column.Bind(data);

    /// <summary>Lets go of the block.</summary>
    public virtual void Unbind() => Column.Unbind();

    public virtual bool IsNull(int row) => Column.IsNull(row);

    /// <summary>Writes a value, its length before it.</summary>
    /// <returns>False: the type does not hold it, and nothing is written.</returns>
    public abstract bool Write(int row, IBufferWriter<byte> to);

    /// <summary>What writes values of a type of Arrow as one of the server; null: nothing does.</summary>
    public static PostgresField? Of(IArrowType from, PostgresType to) => from switch
    {
        Decimal256Type => null,
        BooleanType when to.Oid == PostgresType.Bool => new Bits(),
        Int8Type => Whole<sbyte>(to),
        Int16Type => Whole<short>(to),
        Int32Type => Whole<int>(to),
        Int64Type => Whole<long>(to),
        UInt8Type => Whole<byte>(to),
        UInt16Type => Whole<ushort>(to),
        UInt32Type => Whole<uint>(to),
        UInt64Type => Whole<ulong>(to),
        HalfFloatType => Real<Half>(to),
        FloatType => Real<float>(to),
        DoubleType => Real<double>(to),
        Decimal32Type number => Decimal<int>(number.Scale, to),
        Decimal64Type number => Decimal<long>(number.Scale, to),
        Decimal128Type number => Decimal<Int128>(number.Scale, to),
        StringType when new BytesColumn<int>() is var column => Text(column, column.Span, to),
        LargeStringType when new BytesColumn<long>() is var column => Text(column, column.Span, to),
        StringViewType when new ViewBytesColumn() is var column => Text(column, column.Span, to),
        BinaryType when new BytesColumn<int>() is var column => Binary(column, column.Span, to),
        LargeBinaryType when new BytesColumn<long>() is var column => Binary(column, column.Span, to),
        BinaryViewType when new ViewBytesColumn() is var column => Binary(column, column.Span, to),
        FixedSizeBinaryType bytes when new FixedBytesColumn(bytes.ByteWidth) is var column => Binary(column, column.Span, to),
        Date32Type => PostgresTimes.Days(to),
        Date64Type => PostgresTimes.Milliseconds(to),
        Time32Type time => PostgresTimes.Clock<int>(time.Unit, to),
        Time64Type time => PostgresTimes.Clock<long>(time.Unit, to),
        TimestampType timestamp => PostgresTimes.Timestamp(timestamp, to),
        DurationType duration => PostgresTimes.Span(duration.Unit, to),
        DictionaryType dictionary => Dictionary(dictionary, to),
        ListType list => List(list.ValueDataType, to),
        LargeListType list => List(list.ValueDataType, to),
        FixedSizeListType list => List(list.ValueDataType, to),
        NullType => new Nothing(),
        _ => null,
    };

    /// <summary>Writes values of at most so many bytes.</summary>
    public static PostgresField Fixed<T>(int most, Encoder<T> encode)
        where T : unmanaged => new Values<T>(most, encode);

    private static PostgresField? Whole<T>(PostgresType to)
        where T : unmanaged, IBinaryInteger<T> => to.Oid == PostgresType.Numeric ? Decimal<T>(0, to) : Integer<T>(to);

    private static PostgresField? Integer<T>(PostgresType to)
        where T : unmanaged, IBinaryInteger<T> => to.Oid switch
        {
            PostgresType.Int2 => Fixed<T>(2, static (value, bytes) => Fits<T, short>(value, out var number) && BinaryPrimitives.TryWriteInt16BigEndian(bytes, number) ? 2 : -1),
            PostgresType.Int4 => Fixed<T>(4, static (value, bytes) => Fits<T, int>(value, out var number) && BinaryPrimitives.TryWriteInt32BigEndian(bytes, number) ? 4 : -1),
            PostgresType.Int8 => Fixed<T>(8, static (value, bytes) => Fits<T, long>(value, out var number) && BinaryPrimitives.TryWriteInt64BigEndian(bytes, number) ? 8 : -1),
            PostgresType.ObjectId => Fixed<T>(4, static (value, bytes) => Fits<T, uint>(value, out var number) && BinaryPrimitives.TryWriteUInt32BigEndian(bytes, number) ? 4 : -1),
            PostgresType.Float8 => Fixed<T>(8, static (value, bytes) => Fits<T, long>(value, out var number) && number is >= -(1L << 53) and <= 1L << 53 && BinaryPrimitives.TryWriteDoubleBigEndian(bytes, number) ? 8 : -1),
            _ => null,
        };

    private static bool Fits<T, TTo>(T value, out TTo number)
        where T : unmanaged, IBinaryInteger<T>
        where TTo : unmanaged, IBinaryInteger<TTo>
    {
        number = TTo.CreateTruncating(value);
        return T.CreateTruncating(number) == value && TTo.IsNegative(number) == T.IsNegative(value);
    }

    private static PostgresField? Real<T>(PostgresType to)
        where T : unmanaged, INumber<T> => to.Oid switch
        {
            PostgresType.Float4 when typeof(T) != typeof(double) => Fixed<T>(4, static (value, bytes) => BinaryPrimitives.TryWriteSingleBigEndian(bytes, float.CreateTruncating(value)) ? 4 : -1),
            PostgresType.Float8 => Fixed<T>(8, static (value, bytes) => BinaryPrimitives.TryWriteDoubleBigEndian(bytes, double.CreateTruncating(value)) ? 8 : -1),
            _ => null,
        };

    private static PostgresField? Decimal<T>(int scale, PostgresType to)
        where T : unmanaged, IBinaryInteger<T>
    {
        if (to.Oid == PostgresType.Numeric && scale >= 0)
        {
            var most = to.Scale;
            return Fixed<T>(PostgresNumeric.MostBytes, (value, bytes) => PostgresNumeric.Write(Int128.CreateChecked(value), scale, most, bytes));
        }

        // A sum of integers is one without digits behind the point.
        return scale == 0 ? Integer<T>(to) : null;
    }

    private static PostgresField? Text(ColumnReader column, Func<int, ReadOnlySpan<byte>> span, PostgresType to) => to switch
    {
        { Oid: PostgresType.Uuid } => new Uuids(column, span),
        { Oid: PostgresType.Jsonb } => new Sized(column, span, isText: true, version: 1),
        { IsText: true } => new Sized(column, span, isText: true, version: null),
        _ => null,
    };

    private static Sized? Binary(ColumnReader column, Func<int, ReadOnlySpan<byte>> span, PostgresType to) => to.Oid switch
    {
        PostgresType.Bytea => new Sized(column, span, isText: false, version: null),
        PostgresType.Uuid => new Sized(column, span, isText: false, version: null, bytes: 16),
        _ => null,
    };

    private static PostgresField? Dictionary(DictionaryType type, PostgresType to) => Of(type.ValueType, to) is not { } values ? null : type.IndexType switch
    {
        Int8Type => new Entries<sbyte>(values),
        UInt8Type => new Entries<byte>(values),
        Int16Type => new Entries<short>(values),
        UInt16Type => new Entries<ushort>(values),
        Int32Type => new Entries<int>(values),
        UInt32Type => new Entries<uint>(values),
        Int64Type => new Entries<long>(values),
        UInt64Type => new Entries<ulong>(values),
        _ => null,
    };

    private static Lists? List(IArrowType items, PostgresType to) => to.Item is { } item && Of(items, item) is { } field and not Lists ? new Lists(field, item.Oid) : null;

    private sealed class Values<T>(int most, Encoder<T> encode) : PostgresField
        where T : unmanaged
    {
        private readonly FixedColumn<T> _column = new();

        protected override ColumnReader Column => _column;

        public override bool Write(int row, IBufferWriter<byte> to)
        {
            var bytes = to.GetSpan(4 + most);
            var length = encode(_column.Get(row), bytes[4..]);
            if (length < 0)
            {
                return false;
            }

            BinaryPrimitives.WriteInt32BigEndian(bytes, length);
            to.Advance(4 + length);
            return true;
        }
    }

    private sealed class Bits : PostgresField
    {
        private readonly BitColumn _column = new();

        protected override ColumnReader Column => _column;

        public override bool Write(int row, IBufferWriter<byte> to)
        {
            var bytes = to.GetSpan(5);
            BinaryPrimitives.WriteInt32BigEndian(bytes, 1);
            bytes[4] = _column.Get(row) ? (byte)1 : (byte)0;
            to.Advance(5);
            return true;
        }
    }

    /// <summary>Text and bytes.</summary>
    /// <param name="column">The column.</param>
    /// <param name="span">Its value of a row.</param>
    /// <param name="isText">Whether it is text, which has no NUL there.</param>
    /// <param name="version">What stands before the value; null: nothing does.</param>
    /// <param name="bytes">What each must be long; null: anything.</param>
    private sealed class Sized(ColumnReader column, Func<int, ReadOnlySpan<byte>> span, bool isText, byte? version, int? bytes = null) : PostgresField
    {
        protected override ColumnReader Column => column;

        public override bool Write(int row, IBufferWriter<byte> to)
        {
            var value = span(row);
            if ((isText && value.Contains((byte)0)) || (bytes is { } length && value.Length != length))
            {
                return false;
            }

            var before = to.GetSpan(5);
            BinaryPrimitives.WriteInt32BigEndian(before, value.Length + (version is null ? 0 : 1));
            before[4] = version ?? 0;
            to.Advance(version is null ? 4 : 5);
            to.Write(value);
            return true;
        }
    }

    /// <summary>UUIDs that are text.</summary>
    private sealed class Uuids(ColumnReader column, Func<int, ReadOnlySpan<byte>> span) : PostgresField
    {
        protected override ColumnReader Column => column;

        public override bool Write(int row, IBufferWriter<byte> to)
        {
            if (!Guid.TryParse(span(row), null, out var value))
            {
                return false;
            }

            var bytes = to.GetSpan(20);
            BinaryPrimitives.WriteInt32BigEndian(bytes, 16);
            value.TryWriteBytes(bytes[4..], bigEndian: true, out _);
            to.Advance(20);
            return true;
        }
    }

    /// <summary>Values by number in a dictionary.</summary>
    private sealed class Entries<T>(PostgresField values) : PostgresField
        where T : unmanaged, IBinaryInteger<T>
    {
        private readonly FixedColumn<T> _column = new();

        protected override ColumnReader Column => _column;

        public override void Bind(ArrayData data)
        {
            base.Bind(data);
            values.Bind(data.Dictionary!);
        }

        public override void Unbind()
        {
            base.Unbind();
            values.Unbind();
        }

        public override bool IsNull(int row) => base.IsNull(row) || values.IsNull(Index(row));

        public override bool Write(int row, IBufferWriter<byte> to) => values.Write(Index(row), to);

        private int Index(int row) => int.CreateTruncating(_column.Get(row));
    }

    /// <summary>Lists as arrays of one dimension that begin at 1.</summary>
    private sealed class Lists(PostgresField items, uint type) : PostgresField
    {
        private readonly ListBounds _column = new();
        private readonly ArrayBufferWriter<byte> _made = new();

        protected override ColumnReader Column => _column;

        public override void Bind(ArrayData data)
        {
            base.Bind(data);
            items.Bind(data.Children[0]);
        }

        public override void Unbind()
        {
            base.Unbind();
            items.Unbind();
        }

        public override bool Write(int row, IBufferWriter<byte> to)
        {
            // The length of all stands before it.
            var (first, count) = _column.Get(row);
            var nulls = false;
            _made.ResetWrittenCount();
            Number(_made, count == 0 ? 0 : 1);
            Number(_made, 0);
            Number(_made, (int)type);
            if (count > 0)
            {
                Number(_made, count);
                Number(_made, 1);
            }

            for (var i = first; i < first + count; i++)
            {
                if (items.IsNull(i))
                {
                    nulls = true;
                    Number(_made, -1);
                }
                else if (!items.Write(i, _made))
                {
                    return false;
                }
            }

            Number(to, _made.WrittenCount);
            to.Write(_made.WrittenSpan[..4]);
            Number(to, nulls ? 1 : 0);
            to.Write(_made.WrittenSpan[8..]);
            return true;
        }

        private static void Number(IBufferWriter<byte> to, int number)
        {
            BinaryPrimitives.WriteInt32BigEndian(to.GetSpan(4), number);
            to.Advance(4);
        }
    }

    /// <summary>A column that has no values.</summary>
    private sealed class Nothing : PostgresField
    {
        protected override ColumnReader Column => throw new InvalidOperationException("There is no value to read.");

        public override void Bind(ArrayData data)
        {
        }

        public override void Unbind()
        {
        }

        public override bool IsNull(int row) => true;

        public override bool Write(int row, IBufferWriter<byte> to) => false;
    }
}
