using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines;

namespace Gristmill.Hosting;

/// <summary>Collects one field of JSON rows into an Arrow array.</summary>
internal abstract class JsonColumn(ColumnSignature signature, IArrowType type)
{
    public ColumnSignature Signature => signature;

    public IArrowType Type => type;

    /// <summary>Whether the row being read has it.</summary>
    public bool Seen { get; set; }

    public static JsonColumn Create(ColumnSignature signature, IArrowType type) => type switch
    {
        StringType => new Texts(signature, type),
        BooleanType => new Booleans(signature, type),
        TimestampType timestamp => new Timestamps(signature, timestamp),
        FixedSizeListType list => Numeric(signature, list.ValueDataType, list),
        _ => Numeric(signature, type, null),
    };

    /// <summary>Takes the value that the reader stands on.</summary>
    public void Append(ref Utf8JsonReader reader, int row)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            AppendNull(row);
        }
        else if (!TryAppend(ref reader, row))
        {
            throw JsonTable.Error(ErrorCodes.TypeMismatch, row, Signature.Name,
                $"the field '{Signature.Name}' is a JSON {reader.TokenType.ToString().ToLowerInvariant()}", $"It takes a {Signature.Type.ToString().ToLowerInvariant()}.");
        }
    }

    public void AppendNull(int row)
    {
        if (!Signature.Nullable)
        {
            throw JsonTable.Error(ErrorCodes.BadValue, row, Signature.Name, $"the field '{Signature.Name}' is null or NaN", "The model has nothing to put in its place: send a value.");
        }

        AppendNull();
    }

    public abstract IArrowArray Build();

    /// <summary>Takes a value that is not null, or says that it is of another type.</summary>
    protected abstract bool TryAppend(ref Utf8JsonReader reader, int row);

    protected abstract void AppendNull();

    private static JsonColumn Numeric(ColumnSignature signature, IArrowType number, FixedSizeListType? list)
    {
        return number.TypeId switch
        {
            ArrowTypeId.Double => Of<double>(),
            ArrowTypeId.HalfFloat => Of<Half>(),
            ArrowTypeId.Int8 => Of<sbyte>(),
            ArrowTypeId.UInt8 => Of<byte>(),
            ArrowTypeId.Int16 => Of<short>(),
            ArrowTypeId.UInt16 => Of<ushort>(),
            ArrowTypeId.Int32 => Of<int>(),
            ArrowTypeId.UInt32 => Of<uint>(),
            ArrowTypeId.Int64 => Of<long>(),
            ArrowTypeId.UInt64 => Of<ulong>(),
            ArrowTypeId.Float => Of<float>(),
            _ => throw new NotSupportedException($"No JSON is read as {number.Name}."),
        };

        JsonColumn Of<T>()
            where T : unmanaged, INumber<T> => list is null ? new Numbers<T>(signature, number) : new Tensors<T>(signature, list);
    }

    private sealed class Texts(ColumnSignature signature, IArrowType type) : JsonColumn(signature, type)
    {
        private readonly StringArray.Builder _values = new();

        public override IArrowArray Build() => _values.Build();

        protected override bool TryAppend(ref Utf8JsonReader reader, int row)
        {
            if (reader.TokenType != JsonTokenType.String)
            {
                return false;
            }

            _values.Append(reader.GetString());
            return true;
        }

        protected override void AppendNull() => _values.AppendNull();
    }

    private sealed class Booleans(ColumnSignature signature, IArrowType type) : JsonColumn(signature, type)
    {
        private readonly BooleanArray.Builder _values = new();

        public override IArrowArray Build() => _values.Build();

        protected override bool TryAppend(ref Utf8JsonReader reader, int row)
        {
            if (reader.TokenType is not (JsonTokenType.True or JsonTokenType.False))
            {
                return false;
            }

            _values.Append(reader.GetBoolean());
            return true;
        }

        protected override void AppendNull() => _values.AppendNull();
    }

    private sealed class Timestamps(ColumnSignature signature, TimestampType type) : JsonColumn(signature, type)
    {
        private readonly TimestampArray.Builder _values = new(type);

        public override IArrowArray Build() => _values.Build();

        protected override bool TryAppend(ref Utf8JsonReader reader, int row)
        {
            if (reader.TokenType != JsonTokenType.String ||
                !DateTimeOffset.TryParse(reader.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant))
            {
                return false;
            }

            _values.Append(instant);
            return true;
        }

        protected override void AppendNull() => _values.AppendNull();
    }

    private sealed class Numbers<T>(ColumnSignature signature, IArrowType type) : JsonColumn(signature, type)
        where T : unmanaged, INumber<T>
    {
        private readonly ArrowBuffer.Builder<T> _values = new();
        private readonly ArrowBuffer.BitmapBuilder _validity = new();

        public override IArrowArray Build() => ArrowArrayFactory.BuildArray(
            new ArrayData(Type, _values.Length, _validity.UnsetBitCount, 0, [_validity.Build(), _values.Build()]));

        protected override bool TryAppend(ref Utf8JsonReader reader, int row)
        {
            if (reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("NaN"u8))
            {
                AppendNull(row);
                return true;
            }

            if (reader.TokenType != JsonTokenType.Number)
            {
                return false;
            }

            _values.Append(JsonNumber.Read<T>(ref reader, Signature.Name, row));
            _validity.Append(true);
            return true;
        }

        protected override void AppendNull()
        {
            _values.Append(default(T));
            _validity.Append(false);
        }
    }

    /// <summary>Nested arrays are read in row-major order: [[1,2],[3,4]] and [1,2,3,4] are the same tensor.</summary>
    private sealed class Tensors<T>(ColumnSignature signature, FixedSizeListType type) : JsonColumn(signature, type)
        where T : unmanaged, INumber<T>
    {
        private readonly ArrowBuffer.Builder<T> _values = new();
        private readonly ArrowBuffer.BitmapBuilder _validity = new();

        public override IArrowArray Build()
        {
            var items = new ArrayData(type.ValueDataType, _values.Length, 0, 0, [ArrowBuffer.Empty, _values.Build()]);
            return ArrowArrayFactory.BuildArray(new ArrayData(Type, _validity.Length, _validity.UnsetBitCount, 0, [_validity.Build()], [items]));
        }

        protected override bool TryAppend(ref Utf8JsonReader reader, int row)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                return false;
            }

            var depth = reader.CurrentDepth;
            var count = 0;
            while (reader.Read() && !(reader.TokenType == JsonTokenType.EndArray && reader.CurrentDepth == depth))
            {
                if (reader.TokenType == JsonTokenType.Number)
                {
                    _values.Append(JsonNumber.Read<T>(ref reader, Signature.Name, row));
                    count++;
                }
                else if (reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.EndArray))
                {
                    throw JsonTable.Error(ErrorCodes.TypeMismatch, row, Signature.Name, $"the field '{Signature.Name}' holds a JSON {reader.TokenType.ToString().ToLowerInvariant()}", "It takes numbers.");
                }
            }

            if (count != type.ListSize)
            {
                throw JsonTable.Error(ErrorCodes.BadValue, row, Signature.Name, $"the field '{Signature.Name}' has {count} numbers", $"It takes {type.ListSize}.");
            }

            _validity.Append(true);
            return true;
        }

        protected override void AppendNull()
        {
            _values.Append(new T[type.ListSize]);
            _validity.Append(false);
        }
    }
}
