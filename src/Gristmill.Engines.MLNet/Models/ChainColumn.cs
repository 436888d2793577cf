using Apache.Arrow;
using Apache.Arrow.Types;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

/// <summary>Collects one output column of a chain, row by row, into an Arrow array.</summary>
internal abstract class ChainColumn
{
    /// <summary>The signature an ML.NET type has in a manifest, or null where it cannot be handed out.</summary>
    internal static ColumnSignature? Signature(string name, DataViewType type) => type switch
    {
        NumberDataViewType => new ColumnSignature(name, ColumnType.Number),
        KeyDataViewType => new ColumnSignature(name, ColumnType.Number) { Nullable = true },
        BooleanDataViewType => new ColumnSignature(name, ColumnType.Boolean),
        TextDataViewType => new ColumnSignature(name, ColumnType.String),
        DateTimeDataViewType or DateTimeOffsetDataViewType => new ColumnSignature(name, ColumnType.Timestamp),
        VectorDataViewType { ItemType: NumberDataViewType } v when v.ItemType.RawType == typeof(float) =>
            new ColumnSignature(name, ColumnType.Tensor) { Shape = [v.IsKnownSize ? v.Size : -1] },
        _ => null,
    };

    /// <summary>The Arrow type of a column's numbers, which holds each of them as it is; null where it has none.</summary>
    internal static IArrowType? ArrowType(DataViewType type) => type switch
    {
        KeyDataViewType => Int64Type.Default,
        VectorDataViewType vector => ArrowType(vector.ItemType),
        NumberDataViewType { RawType: var raw } => System.Type.GetTypeCode(raw) switch
        {
            TypeCode.Single => FloatType.Default,
            TypeCode.Double => DoubleType.Default,
            TypeCode.SByte => Int8Type.Default,
            TypeCode.Byte => UInt8Type.Default,
            TypeCode.Int16 => Int16Type.Default,
            TypeCode.UInt16 => UInt16Type.Default,
            TypeCode.Int32 => Int32Type.Default,
            TypeCode.UInt32 => UInt32Type.Default,
            TypeCode.Int64 => Int64Type.Default,
            TypeCode.UInt64 => UInt64Type.Default,
            _ => null,
        },
        _ => null,
    };

    /// <summary>A collector for a column, or null for a type that cannot be handed out.</summary>
    internal static ChainColumn? Create(DataViewRow row, DataViewSchema.Column column) => column.Type switch
    {
        KeyDataViewType { RawType: var raw } when raw == typeof(uint) => new Keys(row, column),
        NumberDataViewType { RawType: var raw } => System.Type.GetTypeCode(raw) switch
        {
            TypeCode.Single => new Numbers<float>(row, column),
            TypeCode.Double => new Numbers<double>(row, column),
            TypeCode.SByte => new Numbers<sbyte>(row, column),
            TypeCode.Byte => new Numbers<byte>(row, column),
            TypeCode.Int16 => new Numbers<short>(row, column),
            TypeCode.UInt16 => new Numbers<ushort>(row, column),
            TypeCode.Int32 => new Numbers<int>(row, column),
            TypeCode.UInt32 => new Numbers<uint>(row, column),
            TypeCode.Int64 => new Numbers<long>(row, column),
            TypeCode.UInt64 => new Numbers<ulong>(row, column),
            _ => null,
        },
        BooleanDataViewType => new Booleans(row, column),
        TextDataViewType => new Texts(row, column),
        VectorDataViewType { ItemType.RawType: var raw } vector when raw == typeof(float) && vector.IsKnownSize => new Vectors(row, column, vector.Size),
        _ => null,
    };

    internal abstract IArrowType Type { get; }

    /// <summary>Reads the current row.</summary>
    internal abstract void Append();

    /// <summary>The array so far; the next starts empty.</summary>
    internal abstract IArrowArray Take();

    /// <summary>Numbers in the very type that the chain gives.</summary>
    private sealed class Numbers<T>(DataViewRow row, DataViewSchema.Column column) : ChainColumn
        where T : unmanaged, System.Numerics.INumber<T>
    {
        private readonly ValueGetter<T> _get = row.GetGetter<T>(column);
        private ArrowBuffer.Builder<T> _values = new();

        internal override IArrowType Type { get; } = ArrowType(column.Type)!;

        internal override void Append()
        {
            T value = default;
            _get(ref value);
            _values.Append(value);
        }

        internal override IArrowArray Take()
        {
            var array = ArrowArrayFactory.BuildArray(new ArrayData(Type, _values.Length, 0, 0, [ArrowBuffer.Empty, _values.Build()]));
            _values = new ArrowBuffer.Builder<T>();
            return array;
        }
    }

    private sealed class Booleans(DataViewRow row, DataViewSchema.Column column) : ChainColumn
    {
        private readonly ValueGetter<bool> _get = row.GetGetter<bool>(column);
        private BooleanArray.Builder _values = new();

        internal override IArrowType Type => BooleanType.Default;

        internal override void Append()
        {
            var value = false;
            _get(ref value);
            _values.Append(value);
        }

        internal override IArrowArray Take()
        {
            var array = _values.Build();
            _values = new BooleanArray.Builder();
            return array;
        }
    }

    private sealed class Texts(DataViewRow row, DataViewSchema.Column column) : ChainColumn
    {
        private readonly ValueGetter<ReadOnlyMemory<char>> _get = row.GetGetter<ReadOnlyMemory<char>>(column);
        private StringArray.Builder _values = new();

        internal override IArrowType Type => StringType.Default;

        internal override void Append()
        {
            ReadOnlyMemory<char> value = default;
            _get(ref value);
            _values.Append(value.ToString());
        }

        internal override IArrowArray Take()
        {
            var array = _values.Build();
            _values = new StringArray.Builder();
            return array;
        }
    }

    /// <summary>A key as its number from 0; the missing key is null.</summary>
    private sealed class Keys(DataViewRow row, DataViewSchema.Column column) : ChainColumn
    {
        private readonly ValueGetter<uint> _get = row.GetGetter<uint>(column);
        private Int64Array.Builder _values = new();

        internal override IArrowType Type => Int64Type.Default;

        internal override void Append()
        {
            uint value = 0;
            _get(ref value);
            _ = value == 0 ? _values.AppendNull() : _values.Append(value - 1L);
        }

        internal override IArrowArray Take()
        {
            var array = _values.Build();
            _values = new Int64Array.Builder();
            return array;
        }
    }

    private sealed class Vectors(DataViewRow row, DataViewSchema.Column column, int size) : ChainColumn
    {
        private readonly ValueGetter<VBuffer<float>> _get = row.GetGetter<VBuffer<float>>(column);
        private readonly float[] _dense = new float[size];
        private FloatArray.Builder _values = new();
        private VBuffer<float> _value;
        private int _rows;

        internal override IArrowType Type { get; } = new FixedSizeListType(new Field("item", FloatType.Default, nullable: false), size);

        internal override void Append()
        {
            _get(ref _value);
            _value.CopyTo(_dense);
            _values.Append(_dense.AsSpan());
            _rows++;
        }

        internal override IArrowArray Take()
        {
            var array = new FixedSizeListArray(Type, _rows, _values.Build(), ArrowBuffer.Empty, 0, 0);
            _values = new FloatArray.Builder();
            _rows = 0;
            return array;
        }
    }
}
