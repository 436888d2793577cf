using System.Text.Unicode;
using Apache.Arrow.Types;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Sources.Avro;

/// <summary>A column that is read value by value out of Avro's encoding into Arrow's buffers.</summary>
internal abstract class AvroColumn
{
    public abstract ColumnBuilder Builder { get; }

    /// <summary>Reads the next value.</summary>
    /// <exception cref="InvalidDataException">It is none of this type.</exception>
    public abstract void Read(ref AvroCursor cursor, int row);

    public sealed class Bits : AvroColumn
    {
        private readonly BitBuilder _builder = new();

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row)
        {
            var value = cursor.Byte();
            _builder.Set(row, value < 2 ? value == 1 : throw new InvalidDataException(FormattableString.Invariant($"a boolean is {value}")));
        }
    }

    public sealed class Ints(IArrowType type, int least = int.MinValue, int most = int.MaxValue) : AvroColumn
    {
        private readonly FixedBuilder<int> _builder = new(type);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row)
        {
            var value = cursor.Int();
            _builder.Set(row, value >= least && value <= most ? value : throw OutOfRange(value, type));
        }
    }

    public sealed class Longs(IArrowType type, long least = long.MinValue, long most = long.MaxValue) : AvroColumn
    {
        private readonly FixedBuilder<long> _builder = new(type);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row)
        {
            var value = cursor.Long();
            _builder.Set(row, value >= least && value <= most ? value : throw OutOfRange(value, type));
        }
    }

    public sealed class Floats : AvroColumn
    {
        private readonly FixedBuilder<float> _builder = new(FloatType.Default);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row) => _builder.Set(row, cursor.Float());
    }

    public sealed class Doubles : AvroColumn
    {
        private readonly FixedBuilder<double> _builder = new(DoubleType.Default);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row) => _builder.Set(row, cursor.Double());
    }

    public sealed class Binary : AvroColumn
    {
        private readonly BytesBuilder _builder = new(BinaryType.Default);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row) => _builder.Set(row, cursor.Bytes());
    }

    public sealed class Text : AvroColumn
    {
        private readonly BytesBuilder _builder = new(StringType.Default);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row)
        {
            var text = cursor.Bytes();
            _builder.Set(row, Utf8.IsValid(text) ? text : throw new InvalidDataException("a text is not UTF-8"));
        }
    }

    public sealed class Fixed(FixedSizeBinaryType type) : AvroColumn
    {
        private readonly FixedBytesBuilder _builder = new(type);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row) => _builder.Set(row, cursor.Take(type.ByteWidth));
    }

    /// <summary>Sixteen bytes as text.</summary>
    public sealed class Uuids : AvroColumn
    {
        private readonly BytesBuilder _builder = new(StringType.Default);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row)
        {
            Span<byte> text = stackalloc byte[36];
            new Guid(cursor.Take(16), bigEndian: true).TryFormat(text, out _);
            _builder.Set(row, (ReadOnlySpan<byte>)text);
        }
    }

    /// <summary>Two's complement, the highest byte first.</summary>
    /// <param name="type">The type.</param>
    /// <param name="width">Bytes of a value; 0: a length stands before it.</param>
    public sealed class Decimals(Decimal128Type type, int width) : AvroColumn
    {
        private readonly FixedBuilder<Int128> _builder = new(type);
        private readonly Int128 _limit = Power(type.Precision);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row)
        {
            var bytes = width > 0 ? cursor.Take(width) : cursor.Bytes();
            Int128 value = bytes is [>= 0x80, ..] ? -1 : 0;
            // What a value has beyond sixteen bytes only repeats its sign.
            var excess = Math.Max(0, bytes.Length - 16);
            if (bytes[..excess].ContainsAnyExcept((byte)value) || (excess > 0 && (bytes[excess] >= 0x80) != (value < 0)))
            {
                throw OutOfRange("a decimal", type);
            }

            foreach (var next in bytes[excess..])
            {
                value = (value << 8) | next;
            }

            _builder.Set(row, value < _limit && value > -_limit ? value : throw OutOfRange("a decimal", type));
        }

        private static Int128 Power(int digits)
        {
            Int128 power = 1;
            for (var i = 0; i < digits; i++)
            {
                power *= 10;
            }

            return power;
        }
    }

    /// <summary>The number of a symbol, as its text.</summary>
    public sealed class Symbols(IReadOnlyList<byte[]> symbols) : AvroColumn
    {
        private readonly BytesBuilder _builder = new(StringType.Default);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row)
        {
            var number = cursor.Int();
            _builder.Set(row, (uint)number < (uint)symbols.Count ? symbols[number] : throw new InvalidDataException(FormattableString.Invariant($"an enum of {symbols.Count} symbols is {number}")));
        }
    }

    public sealed class Nulls : AvroColumn
    {
        public override ColumnBuilder Builder { get; } = new NullBuilder();

        public override void Read(ref AvroCursor cursor, int row)
        {
        }
    }

    /// <summary>The number of a branch, and its value.</summary>
    /// <param name="value">The branch that has values.</param>
    /// <param name="valueBranch">Its number.</param>
    /// <param name="nullBranch">The number of the other; -1: there is none.</param>
    public sealed class Union(AvroColumn value, int valueBranch, int nullBranch) : AvroColumn
    {
        public override ColumnBuilder Builder => value.Builder;

        public override void Read(ref AvroCursor cursor, int row)
        {
            var branch = cursor.Int();
            if (branch == valueBranch)
            {
                value.Read(ref cursor, row);
            }
            else if (branch == nullBranch && branch >= 0)
            {
                value.Builder.SetNull(row);
            }
            else
            {
                throw new InvalidDataException(FormattableString.Invariant($"a union's branch is {branch}"));
            }
        }
    }

    /// <summary>Fields, one behind the other.</summary>
    public sealed class Record(StructType type, AvroColumn[] fields) : AvroColumn
    {
        public override ColumnBuilder Builder { get; } = new StructBuilder(type, [.. fields.Select(static field => field.Builder)]);

        public override void Read(ref AvroCursor cursor, int row)
        {
            foreach (var field in fields)
            {
                field.Read(ref cursor, row);
            }
        }
    }

    /// <summary>Runs of items, each behind their count; the last has none. Of maps, an item is a key and a value.</summary>
    /// <param name="type">List or map.</param>
    /// <param name="item">An item.</param>
    /// <param name="least">Bytes of an item, at least: a count that does not fit is no count.</param>
    /// <param name="likely">Items that room is made for at first.</param>
    public sealed class Items(NestedType type, AvroColumn item, long least, int likely) : AvroColumn
    {
        private readonly ItemsBuilder _builder = new(type, item.Builder, likely);

        public override ColumnBuilder Builder => _builder;

        public override void Read(ref AvroCursor cursor, int row)
        {
            while (cursor.Long() is not 0 and var count)
            {
                if (count < 0)
                {
                    // The bytes of the run follow, for whoever passes it over.
                    count = -count;
                    cursor.Long();
                }

                if (count < 0 || count > cursor.Rest / least)
                {
                    throw new InvalidDataException(FormattableString.Invariant($"{(type is MapType ? "a map" : "an array")} claims {count} items, and {cursor.Rest} bytes are left"));
                }

                for (; count > 0; count--)
                {
                    item.Read(ref cursor, _builder.Add());
                }
            }

            _builder.Set(row);
        }
    }

    private static InvalidDataException OutOfRange(object value, IArrowType type) => new(FormattableString.Invariant($"{value} is out of the range of {SchemaChange.Text(type)}"));
}
