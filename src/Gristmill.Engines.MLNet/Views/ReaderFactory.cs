using System.Numerics;
using Apache.Arrow.Types;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

/// <summary>Which ML.NET type an Arrow column is seen as, and what reads it.</summary>
internal static class ReaderFactory
{
    /// <summary>The natural type: the same number; a float where there are nulls, since ML.NET's integers have no missing value.</summary>
    internal static DataViewType NaturalType(string name, IArrowType type, bool nulls, DictionaryValues? dictionary) => type.TypeId switch
    {
        ArrowTypeId.Float => NumberDataViewType.Single,
        ArrowTypeId.HalfFloat => NumberDataViewType.Single,
        ArrowTypeId.Double or ArrowTypeId.Decimal128 or ArrowTypeId.Decimal256 => NumberDataViewType.Double,
        ArrowTypeId.Int8 => nulls ? NumberDataViewType.Single : NumberDataViewType.SByte,
        ArrowTypeId.UInt8 => nulls ? NumberDataViewType.Single : NumberDataViewType.Byte,
        ArrowTypeId.Int16 => nulls ? NumberDataViewType.Single : NumberDataViewType.Int16,
        ArrowTypeId.UInt16 => nulls ? NumberDataViewType.Single : NumberDataViewType.UInt16,
        ArrowTypeId.Int32 => nulls ? NumberDataViewType.Double : NumberDataViewType.Int32,
        ArrowTypeId.UInt32 => nulls ? NumberDataViewType.Double : NumberDataViewType.UInt32,
        ArrowTypeId.Int64 => nulls ? NumberDataViewType.Double : NumberDataViewType.Int64,
        ArrowTypeId.UInt64 => nulls ? NumberDataViewType.Double : NumberDataViewType.UInt64,
        ArrowTypeId.Boolean => nulls ? NumberDataViewType.Single : BooleanDataViewType.Instance,
        ArrowTypeId.String or ArrowTypeId.LargeString or ArrowTypeId.StringView => TextDataViewType.Instance,
        ArrowTypeId.Date32 or ArrowTypeId.Date64 => DateTimeDataViewType.Instance,
        ArrowTypeId.Timestamp => string.IsNullOrEmpty(((TimestampType)type).Timezone) ? DateTimeDataViewType.Instance : DateTimeOffsetDataViewType.Instance,
        ArrowTypeId.Time32 or ArrowTypeId.Time64 or ArrowTypeId.Duration => TimeSpanDataViewType.Instance,
        ArrowTypeId.Dictionary when dictionary is not null =>
            new KeyDataViewType(typeof(uint), Math.Max(1, dictionary.Values.Count)),
        ArrowTypeId.FixedSizeList => new VectorDataViewType(Item(name, ((FixedSizeListType)type).ValueDataType), ((FixedSizeListType)type).ListSize),
        ArrowTypeId.List => new VectorDataViewType(Item(name, ((ListType)type).ValueDataType)),
        ArrowTypeId.LargeList => new VectorDataViewType(Item(name, ((LargeListType)type).ValueDataType)),
        _ => throw Unfit(name, type, "any type"),
    };

    /// <summary>A reader of an Arrow type that gives an ML.NET type.</summary>
    /// <exception cref="GristmillException">type_mismatch, naming the column.</exception>
    internal static ColumnReader Create(string name, IArrowType from, DataViewType to, DictionaryValues? dictionary) => to switch
    {
        NumberDataViewType number => Number(name, from, number),
        BooleanDataViewType => from.TypeId == ArrowTypeId.Boolean ? new BooleanReader() : Visit(name, from, to, new ToBoolean()),
        KeyDataViewType key when dictionary is not null => key.RawType == typeof(uint) ? new DictionaryKeyReader(dictionary) : throw Unfit(name, from, to),
        KeyDataViewType key => key.RawType == typeof(uint) ? Visit(name, from, to, new ToKey(key.Count)) : throw Unfit(name, from, to),
        TextDataViewType when dictionary is not null => new DictionaryTextReader(dictionary),
        TextDataViewType => from.TypeId is ArrowTypeId.String or ArrowTypeId.LargeString or ArrowTypeId.StringView ? new TextReader() : throw Unfit(name, from, to),
        DateTimeDataViewType => IsInstant(from) ? new TimeReader<DateTime>(t => DateTime.UnixEpoch.AddTicks(t)) : throw Unfit(name, from, to),
        DateTimeOffsetDataViewType => IsInstant(from) ? new TimeReader<DateTimeOffset>(t => DateTimeOffset.UnixEpoch.AddTicks(t)) : throw Unfit(name, from, to),
        TimeSpanDataViewType => from.TypeId is ArrowTypeId.Time32 or ArrowTypeId.Time64 or ArrowTypeId.Duration
            ? new TimeReader<TimeSpan>(TimeSpan.FromTicks) : throw Unfit(name, from, to),
        VectorDataViewType vector => Vector(name, from, vector),
        _ => throw Unfit(name, from, to),
    };

    private static ColumnReader Vector(string name, IArrowType from, VectorDataViewType to)
    {
        var item = from switch
        {
            FixedSizeListType t => t.ValueDataType,
            ListType t => t.ValueDataType,
            LargeListType t => t.ValueDataType,
            _ => throw Unfit(name, from, to),
        };
        if (from is FixedSizeListType list && to.IsKnownSize && to.Size != list.ListSize)
        {
            throw Unfit(name, from, to);
        }

        var size = to.IsKnownSize ? to.Size : 0;
        return to.ItemType is NumberDataViewType number
            ? Number(name, item, number) switch
            {
                ColumnReader<float> r => new VectorReader<float>(r, size),
                ColumnReader<double> r => new VectorReader<double>(r, size),
                ColumnReader<int> r => new VectorReader<int>(r, size),
                ColumnReader<long> r => new VectorReader<long>(r, size),
                ColumnReader<byte> r => new VectorReader<byte>(r, size),
                ColumnReader<short> r => new VectorReader<short>(r, size),
                ColumnReader<sbyte> r => new VectorReader<sbyte>(r, size),
                ColumnReader<ushort> r => new VectorReader<ushort>(r, size),
                ColumnReader<uint> r => new VectorReader<uint>(r, size),
                ColumnReader<ulong> r => new VectorReader<ulong>(r, size),
                _ => throw Unfit(name, from, to),
            }
            : throw Unfit(name, from, to);
    }

    private static ColumnReader Number(string name, IArrowType from, NumberDataViewType to) => Type.GetTypeCode(to.RawType) switch
    {
        TypeCode.Single => Number<float>(name, from, to),
        TypeCode.Double => Number<double>(name, from, to),
        TypeCode.SByte => Number<sbyte>(name, from, to),
        TypeCode.Byte => Number<byte>(name, from, to),
        TypeCode.Int16 => Number<short>(name, from, to),
        TypeCode.UInt16 => Number<ushort>(name, from, to),
        TypeCode.Int32 => Number<int>(name, from, to),
        TypeCode.UInt32 => Number<uint>(name, from, to),
        TypeCode.Int64 => Number<long>(name, from, to),
        TypeCode.UInt64 => Number<ulong>(name, from, to),
        _ => throw Unfit(name, from, to),
    };

    private static ColumnReader Number<TOut>(string name, IArrowType from, DataViewType to)
        where TOut : unmanaged, INumber<TOut> => from.TypeId switch
        {
            ArrowTypeId.Boolean => new BooleanToNumberReader<TOut>(),
            ArrowTypeId.Decimal128 or ArrowTypeId.Decimal256 => new DecimalReader<TOut>(),
            _ => Visit(name, from, to, new ToNumber<TOut>()),
        };

    private static ColumnReader Visit<TMake>(string name, IArrowType from, DataViewType to, TMake make)
        where TMake : IMake => from.TypeId switch
        {
            ArrowTypeId.Float => make.Of<float>(),
            ArrowTypeId.Double => make.Of<double>(),
            ArrowTypeId.HalfFloat => make.Of<Half>(),
            ArrowTypeId.Int8 => make.Of<sbyte>(),
            ArrowTypeId.UInt8 => make.Of<byte>(),
            ArrowTypeId.Int16 => make.Of<short>(),
            ArrowTypeId.UInt16 => make.Of<ushort>(),
            ArrowTypeId.Int32 => make.Of<int>(),
            ArrowTypeId.UInt32 => make.Of<uint>(),
            ArrowTypeId.Int64 => make.Of<long>(),
            ArrowTypeId.UInt64 => make.Of<ulong>(),
            _ => throw Unfit(name, from, to),
        };

    private static NumberDataViewType Item(string name, IArrowType type) =>
        NaturalType(name, type, nulls: false, null) is NumberDataViewType number ? number : throw Unfit(name, type, "an item of a vector");

    private static bool IsInstant(IArrowType type) => type.TypeId is ArrowTypeId.Timestamp or ArrowTypeId.Date32 or ArrowTypeId.Date64;

    private static GristmillException Unfit(string name, IArrowType from, object to) =>
        new GristmillException(ErrorCodes.TypeMismatch, $"Column '{name}' is {from.Name}, which ML.NET cannot see as {to}.",
            "Exclude the column, or cast it in SQL.").With("column", name);

    private interface IMake
    {
        ColumnReader Of<TIn>()
            where TIn : unmanaged, INumber<TIn>;
    }

    private readonly struct ToNumber<TOut> : IMake
        where TOut : unmanaged, INumber<TOut>
    {
        public ColumnReader Of<TIn>()
            where TIn : unmanaged, INumber<TIn> => new NumberReader<TIn, TOut>();
    }

    private readonly struct ToBoolean : IMake
    {
        public ColumnReader Of<TIn>()
            where TIn : unmanaged, INumber<TIn> => new NumberToBooleanReader<TIn>();
    }

    private readonly struct ToKey(ulong count) : IMake
    {
        public ColumnReader Of<TIn>()
            where TIn : unmanaged, INumber<TIn> => new NumberToKeyReader<TIn>(count);
    }
}
