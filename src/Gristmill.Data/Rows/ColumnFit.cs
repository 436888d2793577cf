using System.Linq.Expressions;
using Apache.Arrow.Types;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Rows;

/// <summary>How the values of a column become values of C#.</summary>
/// <param name="Make">Makes the reader, one a worker.</param>
/// <param name="Reader">Its type; its Get takes a row.</param>
/// <param name="Convert">Turns what it gives into the value.</param>
/// <param name="Check">Looks at a whole block for a value that does not fit; -1, or the row. Null: every value fits.</param>
internal sealed record ColumnFit(Func<ColumnReader> Make, Type Reader, Func<Expression, Expression> Convert, Func<ColumnReader, int, int>? Check = null)
{
    /// <summary>How a column of a type becomes a value; null: it cannot.</summary>
    public static ColumnFit? Of(IArrowType type, Type target) => type switch
    {
        BooleanType when target == typeof(bool) => new(static () => new BitColumn(), typeof(BitColumn), static value => value),
        Int8Type => Number<sbyte>(target),
        Int16Type => Number<short>(target),
        Int32Type => Number<int>(target),
        Int64Type => Number<long>(target),
        UInt8Type => Number<byte>(target),
        UInt16Type => Number<ushort>(target),
        UInt32Type => Number<uint>(target),
        UInt64Type => Number<ulong>(target),
        FloatType => target == typeof(double) ? Fixed<float>(static value => Expression.Convert(value, typeof(double))) : target == typeof(float) ? Fixed<float>() : null,
        DoubleType => target == typeof(double) ? Fixed<double>() : null,
        Decimal128Type number => Decimal(number, target),
        StringType => Text<int>(target),
        LargeStringType => Text<long>(target),
        StringViewType => Texts(static () => new OtherTextColumn(), typeof(OtherTextColumn), target),
        BinaryType when target == typeof(byte[]) => new(static () => new BytesColumn<int>(), typeof(BytesColumn<int>), static value => value),
        LargeBinaryType when target == typeof(byte[]) => new(static () => new BytesColumn<long>(), typeof(BytesColumn<long>), static value => value),
        Date32Type => Times.Date(target),
        TimestampType timestamp => Times.Timestamp(timestamp, target),
        Time32Type time => target == typeof(TimeOnly) ? Times.Time<int>(time.Unit) : null,
        Time64Type time => target == typeof(TimeOnly) ? Times.Time<long>(time.Unit) : null,
        DurationType duration => target == typeof(TimeSpan) ? Times.Span(duration.Unit) : null,
        DictionaryType { ValueType: StringType or LargeStringType or StringViewType } dictionary => Dictionary(dictionary.IndexType, target),
        ListType list when target.IsArray => List(list.ValueDataType, target),
        FixedSizeListType list when target.IsArray => List(list.ValueDataType, target),
        _ => null,
    };

    internal static ColumnFit Fixed<T>(Func<Expression, Expression>? convert = null, Func<ColumnReader, int, int>? check = null)
        where T : unmanaged => new(static () => new FixedColumn<T>(), typeof(FixedColumn<T>), convert ?? (static value => value), check);

    private static ColumnFit? Number<T>(Type target)
        where T : unmanaged
    {
        if (target == typeof(T))
        {
            return Fixed<T>();
        }

        if (target.IsEnum)
        {
            var under = Number<T>(Enum.GetUnderlyingType(target));
            return under is null ? null : under with { Convert = value => Expression.Convert(under.Convert(value), target) };
        }

        if (target == typeof(bool) || target == typeof(char) || (!target.IsPrimitive && target != typeof(decimal)))
        {
            return null;
        }

        return Fixed<T>(value => Expression.Convert(value, target), NumberChecks.Of<T>(target));
    }

    private static ColumnFit? Decimal(Decimal128Type type, Type target)
    {
        var scale = type.Scale;
        if (target == typeof(decimal))
        {
            return Fixed<Int128>(value => Expression.Call(typeof(Decimals), nameof(Decimals.ToDecimal), null, value, Expression.Constant(scale)), (column, rows) => Decimals.FirstTooLong(((FixedColumn<Int128>)column).Values(rows), scale));
        }

        if (target == typeof(double) || target == typeof(float))
        {
            return Fixed<Int128>(value => Expression.Convert(Expression.Call(typeof(Decimals), nameof(Decimals.ToDouble), null, value, Expression.Constant(scale)), target));
        }

        // A sum of integers is one without digits behind the point.
        return scale == 0 && target.IsPrimitive && target != typeof(bool) && target != typeof(char)
            ? Fixed<Int128>(value => Expression.Convert(Expression.Call(typeof(Decimals), nameof(Decimals.ToLong), null, value), target), NumberChecks.Of<Int128>(target))
            : null;
    }

    private static ColumnFit? Text<TOffset>(Type target)
        where TOffset : unmanaged => Texts(static () => new TextColumn<TOffset>(), typeof(TextColumn<TOffset>), target);

    private static ColumnFit? Texts(Func<ColumnReader> make, Type reader, Type target) =>
        target == typeof(string) ? new(make, reader, static value => value)
        : target == typeof(Guid) ? new(make, reader, static value => Expression.Call(typeof(Guid), nameof(Guid.Parse), null, value))
        : target.IsEnum ? new(make, reader, value => Expression.Call(typeof(EnumNames<>).MakeGenericType(target), nameof(EnumNames<DayOfWeek>.Parse), null, value))
        : null;

    private static ColumnFit? Dictionary(IArrowType index, Type target) => index switch
    {
        Int8Type => Texts(static () => new DictionaryTextColumn<sbyte>(), typeof(DictionaryTextColumn<sbyte>), target),
        UInt8Type => Texts(static () => new DictionaryTextColumn<byte>(), typeof(DictionaryTextColumn<byte>), target),
        Int16Type => Texts(static () => new DictionaryTextColumn<short>(), typeof(DictionaryTextColumn<short>), target),
        UInt16Type => Texts(static () => new DictionaryTextColumn<ushort>(), typeof(DictionaryTextColumn<ushort>), target),
        Int32Type => Texts(static () => new DictionaryTextColumn<int>(), typeof(DictionaryTextColumn<int>), target),
        UInt32Type => Texts(static () => new DictionaryTextColumn<uint>(), typeof(DictionaryTextColumn<uint>), target),
        Int64Type => Texts(static () => new DictionaryTextColumn<long>(), typeof(DictionaryTextColumn<long>), target),
        _ => null,
    };

    private static ColumnFit? List(IArrowType items, Type target) => (items, Type.GetTypeCode(target.GetElementType())) switch
    {
        (Int8Type, TypeCode.SByte) => Lists<sbyte>(),
        (Int16Type, TypeCode.Int16) => Lists<short>(),
        (Int32Type, TypeCode.Int32) => Lists<int>(),
        (Int64Type, TypeCode.Int64) => Lists<long>(),
        (UInt8Type, TypeCode.Byte) => Lists<byte>(),
        (UInt16Type, TypeCode.UInt16) => Lists<ushort>(),
        (UInt32Type, TypeCode.UInt32) => Lists<uint>(),
        (UInt64Type, TypeCode.UInt64) => Lists<ulong>(),
        (FloatType, TypeCode.Single) => Lists<float>(),
        (DoubleType, TypeCode.Double) => Lists<double>(),
        _ => null,
    };

    private static ColumnFit Lists<T>()
        where T : unmanaged => new(static () => new ListColumn<T>(), typeof(ListColumn<T>), static value => value);
}
