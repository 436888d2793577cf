using System.Buffers.Binary;
using Apache.Arrow.Types;
using Gristmill.Data.Interop;
using Npgsql.PostgresTypes;
using Npgsql.Schema;

namespace Gristmill.Data.Sources.Postgres;

/// <summary>A column of a binary COPY: turns the server's bytes of a value into Arrow's.</summary>
internal abstract class PostgresColumn(string name, string type)
{
    public string Name => name;

    /// <summary>The type as PostgreSQL calls it.</summary>
    public string Type => type;

    public abstract ColumnBuilder Builder { get; }

    /// <summary>Takes a value.</summary>
    /// <returns>False: Arrow's type does not hold it.</returns>
    public abstract bool Set(int row, ReadOnlySpan<byte> value);

    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>: there is no such type here.</exception>
    public static PostgresColumn Of(NpgsqlDbColumn column)
    {
        const long Epoch = 946_684_800_000_000; // 2000-01-01, where PostgreSQL's times begin
        const int EpochDay = 10_957;
        const long Day = 86_400_000_000;
        var (name, type) = (column.ColumnName, column.DataTypeName);
        // Npgsql tells no scale of 0.
        var scale = column.NumericScale ?? (column.NumericPrecision is null ? 10 : 0);
        return column.TypeOID switch
        {
            16 => new Bits(name, type),
            20 => new Fixed<long>(name, type, Int64Type.Default, 8, BinaryPrimitives.ReadInt64BigEndian),
            21 => new Fixed<short>(name, type, Int16Type.Default, 2, BinaryPrimitives.ReadInt16BigEndian),
            23 => new Fixed<int>(name, type, Int32Type.Default, 4, BinaryPrimitives.ReadInt32BigEndian),
            26 => new Fixed<uint>(name, type, UInt32Type.Default, 4, BinaryPrimitives.ReadUInt32BigEndian),
            700 => new Fixed<float>(name, type, FloatType.Default, 4, BinaryPrimitives.ReadSingleBigEndian),
            701 => new Fixed<double>(name, type, DoubleType.Default, 8, BinaryPrimitives.ReadDoubleBigEndian),
            1082 => new Fixed<int>(name, type, Date32Type.Default, 4, static value => BinaryPrimitives.ReadInt32BigEndian(value) is not (int.MinValue or int.MaxValue) and var day ? day + EpochDay : null),
            1083 => new Fixed<long>(name, type, new Time64Type(TimeUnit.Microsecond), 8, static value => BinaryPrimitives.ReadInt64BigEndian(value) is >= 0 and < Day and var time ? time : null),
            1114 or 1184 => new Fixed<long>(name, type, new TimestampType(TimeUnit.Microsecond, column.TypeOID == 1184 ? "UTC" : null), 8,
                static value => BinaryPrimitives.ReadInt64BigEndian(value) is > long.MinValue and <= long.MaxValue - Epoch and var time ? time + Epoch : null),
            1700 when scale >= 0 && scale <= (column.NumericPrecision ?? 38) && (column.NumericPrecision ?? 38) <= 38 => new Decimals(name, type, column.NumericPrecision ?? 38, scale),
            17 => new Bytes(name, type, BinaryType.Default, 0),
            3802 => new Bytes(name, type, StringType.Default, 1), // behind a version
            2950 => new Uuids(name, type),
            18 or 19 or 25 or 114 or 142 or 1042 or 1043 => new Bytes(name, type, StringType.Default, 0),
            _ when column.PostgresType is PostgresEnumType => new Bytes(name, type, StringType.Default, 0),
            _ => throw new GristmillException(ErrorCodes.TypeMismatch, $"The column '{name}' is of the type {type}, which is not read.", $"Cast it in a query, such as {name}::text, or leave it out.")
                .With("column", name),
        };
    }

    private delegate T? Reader<T>(ReadOnlySpan<byte> value)
        where T : unmanaged;

    private delegate T PlainReader<T>(ReadOnlySpan<byte> value);

    private sealed class Fixed<T> : PostgresColumn
        where T : unmanaged
    {
        private readonly FixedBuilder<T> _builder;
        private readonly int _width;
        private readonly Reader<T> _read;

        public Fixed(string name, string type, IArrowType arrow, int width, PlainReader<T> read)
            : this(name, type, arrow, width, (Reader<T>)(value => read(value)))
        {
        }

        public Fixed(string name, string type, IArrowType arrow, int width, Reader<T> read)
            : base(name, type) => (_builder, _width, _read) = (new FixedBuilder<T>(arrow), width, read);

        public override ColumnBuilder Builder => _builder;

        public override bool Set(int row, ReadOnlySpan<byte> value)
        {
            if (value.Length != _width || _read(value) is not { } number)
            {
                return false;
            }

            _builder.Set(row, number);
            return true;
        }
    }

    private sealed class Bits(string name, string type) : PostgresColumn(name, type)
    {
        private readonly BitBuilder _builder = new();

        public override ColumnBuilder Builder => _builder;

        public override bool Set(int row, ReadOnlySpan<byte> value)
        {
            if (value.Length != 1)
            {
                return false;
            }

            _builder.Set(row, value[0] != 0);
            return true;
        }
    }

    private sealed class Bytes(string name, string type, IArrowType arrow, int before) : PostgresColumn(name, type)
    {
        private readonly BytesBuilder _builder = new(arrow);
        private readonly bool _isText = arrow is StringType;

        public override ColumnBuilder Builder => _builder;

        public override bool Set(int row, ReadOnlySpan<byte> value)
        {
            // A database in the encoding SQL_ASCII holds anything.
            if (value.Length < before || (_isText && !System.Text.Unicode.Utf8.IsValid(value[before..])))
            {
                return false;
            }

            _builder.Set(row, value[before..]);
            return true;
        }
    }

    private sealed class Uuids(string name, string type) : PostgresColumn(name, type)
    {
        private readonly BytesBuilder _builder = new(StringType.Default);

        public override ColumnBuilder Builder => _builder;

        public override bool Set(int row, ReadOnlySpan<byte> value)
        {
            Span<byte> text = stackalloc byte[36];
            if (value.Length != 16 || !new Guid(value, bigEndian: true).TryFormat(text, out _))
            {
                return false;
            }

            _builder.Set(row, text);
            return true;
        }
    }

    /// <summary>PostgreSQL sends digits of base 10,000, a weight of the first, a sign and a scale.</summary>
    private sealed class Decimals(string name, string type, int precision, int scale) : PostgresColumn(name, type)
    {
        private static readonly Int128[] s_powers = [.. Powers()];
        private readonly FixedBuilder<Int128> _builder = new(new Decimal128Type(precision, scale));

        public override ColumnBuilder Builder => _builder;

        public override bool Set(int row, ReadOnlySpan<byte> value)
        {
            if (value.Length < 8)
            {
                return false;
            }

            var (digits, weight, sign) = (BinaryPrimitives.ReadInt16BigEndian(value), BinaryPrimitives.ReadInt16BigEndian(value[2..]), BinaryPrimitives.ReadUInt16BigEndian(value[4..]));
            if (digits < 0 || value.Length != 8 + (2 * digits) || sign is not (0 or 0x4000))
            {
                return false;
            }

            Int128 sum = 0;
            for (var i = 0; i < digits; i++)
            {
                Int128 digit = BinaryPrimitives.ReadInt16BigEndian(value[(8 + (2 * i))..]);
                var power = (4 * (weight - i)) + scale;
                if (digit == 0)
                {
                    continue;
                }

                // Above: too large. Below: digits behind the last that the type has.
                if (power > 38 || power <= -4 || (power < 0 && digit % s_powers[-power] != 0) || (power > 0 && digit > s_powers[38] / s_powers[power]))
                {
                    return false;
                }

                sum += power >= 0 ? digit * s_powers[power] : digit / s_powers[-power];
                if (sum >= s_powers[precision])
                {
                    return false;
                }
            }

            _builder.Set(row, sign == 0 ? sum : -sum);
            return true;
        }

        private static IEnumerable<Int128> Powers()
        {
            Int128 power = 1;
            for (var i = 0; i <= 38; i++)
            {
                yield return power;
                power = i < 38 ? power * 10 : power;
            }
        }
    }
}
