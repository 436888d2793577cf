using System.Globalization;
using System.Linq.Expressions;
using System.Text.RegularExpressions;
using Apache.Arrow.Types;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Rows;

/// <summary>How values of C# become a column.</summary>
/// <param name="Type">The column's type.</param>
/// <param name="Make">Makes the builder, one a worker.</param>
/// <param name="Builder">Its type; its Set takes a row and a value.</param>
/// <param name="Convert">Turns the value into what it takes.</param>
internal sealed partial record ValueFit(IArrowType Type, Func<ColumnBuilder> Make, Type Builder, Func<Expression, Expression> Convert)
{
    /// <summary>How a member becomes a column; null: it cannot.</summary>
    public static ValueFit? Of(RowMember member)
    {
        var type = member.Core;
        if (type == typeof(decimal))
        {
            var match = DecimalName().Match(member.TypeName ?? "");
            var (precision, scale) = match.Success ? (Digits(match, "precision"), Digits(match, "scale")) : (38, 10);
            return Fixed<Int128>(new Decimal128Type(precision, scale),
                value => Expression.Call(typeof(Decimals), nameof(Decimals.FromDecimal), null, value, Expression.Constant(precision), Expression.Constant(scale)));
        }

        return type switch
        {
            _ when type == typeof(bool) => new(BooleanType.Default, static () => new BitBuilder(), typeof(BitBuilder), static value => value),
            _ when type.IsEnum => Text(value => Expression.Call(typeof(EnumNames<>).MakeGenericType(type), nameof(EnumNames<DayOfWeek>.Name), null, value)),
            _ when type == typeof(sbyte) => Fixed<sbyte>(Int8Type.Default),
            _ when type == typeof(short) => Fixed<short>(Int16Type.Default),
            _ when type == typeof(int) => Fixed<int>(Int32Type.Default),
            _ when type == typeof(long) => Fixed<long>(Int64Type.Default),
            _ when type == typeof(byte) => Fixed<byte>(UInt8Type.Default),
            _ when type == typeof(ushort) => Fixed<ushort>(UInt16Type.Default),
            _ when type == typeof(uint) => Fixed<uint>(UInt32Type.Default),
            _ when type == typeof(ulong) => Fixed<ulong>(UInt64Type.Default),
            _ when type == typeof(float) => Fixed<float>(FloatType.Default),
            _ when type == typeof(double) => Fixed<double>(DoubleType.Default),
            _ when type == typeof(string) => Text(static value => value),
            _ when type == typeof(Guid) => Text(static value => Expression.Call(value, nameof(Guid.ToString), null)),
            _ when type == typeof(byte[]) => new(BinaryType.Default, static () => new BytesBuilder(BinaryType.Default), typeof(BytesBuilder), static value => value),
            _ when type == typeof(DateOnly) => Fixed<int>(Date32Type.Default, Call(nameof(Times.FromDate))),
            _ when type == typeof(DateTime) => Fixed<long>(new TimestampType(TimeUnit.Microsecond, (string?)null), Call(nameof(Times.FromClock))),
            _ when type == typeof(DateTimeOffset) => Fixed<long>(new TimestampType(TimeUnit.Microsecond, "UTC"), Call(nameof(Times.FromInstant))),
            _ when type == typeof(TimeOnly) => Fixed<long>(new Time64Type(TimeUnit.Microsecond), Call(nameof(Times.FromTime))),
            _ when type == typeof(TimeSpan) => Fixed<long>(DurationType.Microsecond, Call(nameof(Times.FromSpan))),
            _ when type == typeof(short[]) => List<short>(Int16Type.Default),
            _ when type == typeof(int[]) => List<int>(Int32Type.Default),
            _ when type == typeof(long[]) => List<long>(Int64Type.Default),
            _ when type == typeof(float[]) => List<float>(FloatType.Default),
            _ when type == typeof(double[]) => List<double>(DoubleType.Default),
            _ => null,
        };
    }

    private static int Digits(Match match, string group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    private static Func<Expression, Expression> Call(string method) => value => Expression.Call(typeof(Times), method, null, value);

    private static ValueFit Fixed<T>(IArrowType type, Func<Expression, Expression>? convert = null)
        where T : unmanaged => new(type, () => new FixedBuilder<T>(type), typeof(FixedBuilder<T>), convert ?? (static value => value));

    private static ValueFit Text(Func<Expression, Expression> convert) => new(StringType.Default, static () => new BytesBuilder(StringType.Default), typeof(BytesBuilder), convert);

    private static ValueFit List<T>(IArrowType item)
        where T : unmanaged
    {
        var type = new ListType(new Apache.Arrow.Field("item", item, nullable: true));
        return new(type, () => new ListBuilder<T>(type), typeof(ListBuilder<T>), static value => value);
    }

    [GeneratedRegex(@"^\s*(?:decimal|numeric)\s*\(\s*(?<precision>\d{1,2})\s*,\s*(?<scale>\d{1,2})\s*\)\s*$", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DecimalName();
}
