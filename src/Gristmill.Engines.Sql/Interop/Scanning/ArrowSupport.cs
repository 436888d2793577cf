using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>Which Arrow types DuckDB reads rightly. What it reads wrongly or not at all is refused, never guessed.</summary>
internal static class ArrowSupport
{
    /// <summary>Throws type_mismatch unless DuckDB can scan the column.</summary>
    public static void Require(Field field)
    {
        if (Reason(field.DataType) is { } reason)
        {
            throw Refuse(field.Name, field.DataType, reason);
        }
    }

    public static GristmillException Refuse(string column, IArrowType type, string reason) =>
        new GristmillException(ErrorCodes.TypeMismatch, $"Column '{column}' has the type {type.Name}, which SQL cannot read: {reason}.",
            "Convert it to another type in the stage that writes it, or leave it out there.")
        .With("column", column).With("type", type.Name);

    private static string? Reason(IArrowType type) => type switch
    {
        DictionaryType { ValueType: NestedType or DictionaryType } => "its dictionary holds nested values",
        DictionaryType dictionary => Reason(dictionary.ValueType),
        UnionType => "unions are not supported",
        Decimal32Type or Decimal64Type or Decimal256Type => "only 128-bit decimals are supported",
        ListType or LargeListType or FixedSizeListType or MapType or StructType =>
            ((NestedType)type).Fields.Select(child => NestedReason(child.DataType)).FirstOrDefault(reason => reason is not null),
        IntervalType { Unit: IntervalUnit.DayTime } => "intervals of days and milliseconds are not supported",
        NullType or BooleanType or Int8Type or Int16Type or Int32Type or Int64Type or UInt8Type or UInt16Type or UInt32Type or UInt64Type
            or FloatType or DoubleType or StringType or LargeStringType or StringViewType or BinaryType or LargeBinaryType
            or Date32Type or Date64Type or TimestampType or Time32Type or Time64Type or DurationType or IntervalType
            or Decimal128Type or FixedSizeBinaryType => null,
        _ => "DuckDB has no such type",
    };

    private static string? NestedReason(IArrowType type) => type switch
    {
        // DuckDB takes their nulls from the wrong rows inside a list.
        DictionaryType => "a dictionary inside a nested type is not supported",
        FixedSizeBinaryType => "a fixed-size binary inside a nested type is not supported",
        _ => Reason(type),
    };
}
