using System.Numerics;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Writing.Avro;

/// <summary>A type of a schema that is written, and its values.</summary>
internal abstract class AvroEncoder
{
    /// <summary>Says which values are there.</summary>
    public abstract ColumnReader Reader { get; }

    /// <summary>Turns to the column of another batch.</summary>
    public virtual void Bind(ArrayData data) => Reader.Bind(data);

    /// <summary>Lets go of the batch.</summary>
    public virtual void Unbind() => Reader.Unbind();

    public virtual bool IsNull(int row) => Reader.IsNull(row);

    /// <summary>Writes the type.</summary>
    public abstract void Declare(Utf8JsonWriter json);

    /// <summary>Writes a value.</summary>
    public abstract void Write(AvroBuffer target, int row);

    /// <summary>Writes a type by its name, with what it stands for.</summary>
    protected static void Declare(Utf8JsonWriter json, string name, string? logical)
    {
        if (logical is null)
        {
            json.WriteStringValue(name);
            return;
        }

        json.WriteStartObject();
        json.WriteString("type", name);
        json.WriteString("logicalType", logical);
        json.WriteEndObject();
    }

    /// <summary>Integers, dates and times.</summary>
    /// <param name="name">int or long.</param>
    /// <param name="logical">What they stand for; null: themselves.</param>
    /// <param name="times">What each is multiplied by; below 0: divided.</param>
    public sealed class Integers<T>(string name, string? logical = null, int times = 1) : AvroEncoder
        where T : unmanaged, IBinaryInteger<T>
    {
        private readonly FixedColumn<T> _values = new();

        public override ColumnReader Reader => _values;

        public override void Declare(Utf8JsonWriter json) => Declare(json, name, logical);

        public override void Write(AvroBuffer target, int row)
        {
            var value = long.CreateTruncating(_values.Get(row));
            if (times > 1 && Math.Abs(value / 2) > long.MaxValue / 2 / times)
            {
                throw new GristmillException(ErrorCodes.BadValue, FormattableString.Invariant($"The time {value} is beyond those that Avro has."), "Leave such rows out.");
            }

            target.Long(times > 0 ? value * times : value / -times);
        }
    }

    public sealed class Bits : AvroEncoder
    {
        private readonly BitColumn _values = new();

        public override ColumnReader Reader => _values;

        public override void Declare(Utf8JsonWriter json) => Declare(json, "boolean", null);

        public override void Write(AvroBuffer target, int row) => target.Byte(_values.Get(row) ? (byte)1 : (byte)0);
    }

    public sealed class Floats<T> : AvroEncoder
        where T : unmanaged, IFloatingPoint<T>
    {
        private readonly FixedColumn<T> _values = new();

        public override ColumnReader Reader => _values;

        public override void Declare(Utf8JsonWriter json) => Declare(json, "float", null);

        public override void Write(AvroBuffer target, int row) => target.Float(float.CreateTruncating(_values.Get(row)));
    }

    public sealed class Doubles : AvroEncoder
    {
        private readonly FixedColumn<double> _values = new();

        public override ColumnReader Reader => _values;

        public override void Declare(Utf8JsonWriter json) => Declare(json, "double", null);

        public override void Write(AvroBuffer target, int row) => target.Double(_values.Get(row));
    }

    /// <summary>Text and bytes, with offsets of 32 or 64 bits.</summary>
    public sealed class Bytes<TOffset>(string name) : AvroEncoder
        where TOffset : unmanaged
    {
        private readonly BytesColumn<TOffset> _values = new();

        public override ColumnReader Reader => _values;

        public override void Declare(Utf8JsonWriter json) => Declare(json, name, null);

        public override void Write(AvroBuffer target, int row) => target.Bytes(_values.Span(row));
    }

    /// <summary>Text and bytes as views.</summary>
    public sealed class Views(string name) : AvroEncoder
    {
        private BinaryViewArray? _values;

        public override ColumnReader Reader { get; } = new ValidityColumn();

        public override void Bind(ArrayData data)
        {
            base.Bind(data);
            _values = (BinaryViewArray)ArrowArrayFactory.BuildArray(data);
        }

        public override void Declare(Utf8JsonWriter json) => Declare(json, name, null);

        public override void Write(AvroBuffer target, int row) => target.Bytes(_values!.GetBytes(row));
    }

    public sealed class Fixed(string name, int width) : AvroEncoder
    {
        private readonly FixedBytesColumn _values = new(width);

        public override ColumnReader Reader => _values;

        public override void Declare(Utf8JsonWriter json)
        {
            json.WriteStartObject();
            json.WriteString("type", "fixed");
            json.WriteString("name", name);
            json.WriteNumber("size", width);
            json.WriteEndObject();
        }

        public override void Write(AvroBuffer target, int row) => target.Raw(_values.Span(row));
    }

    /// <summary>Two's complement, the highest byte first.</summary>
    public sealed class Decimals(Decimal128Type type) : AvroEncoder
    {
        private readonly FixedColumn<Int128> _values = new();

        public override ColumnReader Reader => _values;

        public override void Declare(Utf8JsonWriter json)
        {
            json.WriteStartObject();
            json.WriteString("type", "bytes");
            json.WriteString("logicalType", "decimal");
            json.WriteNumber("precision", type.Precision);
            json.WriteNumber("scale", type.Scale);
            json.WriteEndObject();
        }

        public override void Write(AvroBuffer target, int row)
        {
            IBinaryInteger<Int128> value = _values.Get(row);
            Span<byte> bytes = stackalloc byte[16];
            value.WriteBigEndian(bytes);
            // What only repeats the sign is left out.
            var length = Math.Min(16, (value.GetShortestBitLength() / 8) + 1);
            target.Bytes(bytes[^length..]);
        }
    }

    public sealed class Nulls : AvroEncoder
    {
        public override ColumnReader Reader { get; } = new ValidityColumn();

        public override void Declare(Utf8JsonWriter json) => Declare(json, "null", null);

        public override void Write(AvroBuffer target, int row)
        {
        }
    }

    /// <summary>Values of a dictionary, each written out.</summary>
    public sealed class Dictionary<TIndex>(AvroEncoder values) : AvroEncoder
        where TIndex : unmanaged, IBinaryInteger<TIndex>
    {
        private readonly FixedColumn<TIndex> _indices = new();

        public override ColumnReader Reader => _indices;

        public override void Bind(ArrayData data)
        {
            base.Bind(data);
            values.Bind(data.Dictionary!);
        }

        public override bool IsNull(int row) => base.IsNull(row) || values.IsNull(int.CreateChecked(_indices.Get(row)));

        public override void Unbind()
        {
            base.Unbind();
            values.Unbind();
        }

        public override void Declare(Utf8JsonWriter json) => values.Declare(json);

        public override void Write(AvroBuffer target, int row) => values.Write(target, int.CreateChecked(_indices.Get(row)));
    }
}
