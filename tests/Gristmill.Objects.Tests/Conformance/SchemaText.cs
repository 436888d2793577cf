using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Conformance;

/// <summary>A schema as text: names, types with all parameters, nullability, dictionaries, metadata, a line a field.</summary>
internal static class SchemaText
{
    public static IEnumerable<string> Of(Schema schema) =>
        schema.FieldsList.SelectMany(field => Of(field, "")).Append(Metadata(schema.HasMetadata ? schema.Metadata : []));

    /// <summary>A field's line, as the other side of the comparison writes it too.</summary>
    public static string Line(string indent, string name, string type, bool nullable, string? index, bool ordered, string metadata) =>
        $"{indent}'{name}' {type}{(nullable ? "" : " not null")}{(index is null ? "" : $" by {index}{(ordered ? " ordered" : "")}")} {metadata}";

    public static string Metadata(IEnumerable<KeyValuePair<string, string>> pairs) =>
        "{" + string.Join(", ", pairs.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}")) + "}";

    private static IEnumerable<string> Of(Field field, string indent)
    {
        var dictionary = field.DataType as DictionaryType;
        var type = dictionary?.ValueType ?? field.DataType;
        yield return Line(indent, field.Name, Type(type), field.IsNullable, dictionary is null ? null : Type(dictionary.IndexType), dictionary is { Ordered: true },
            Metadata(field.HasMetadata ? field.Metadata : new Dictionary<string, string>()));
        foreach (string line in Layout.ChildFields(type).SelectMany(child => Of(child, indent + "  ")))
        {
            yield return line;
        }
    }

    private static string Type(IArrowType type) => type switch
    {
        IntegerType t => string.Create(CultureInfo.InvariantCulture, $"{(t.IsSigned ? "" : "u")}int{t.BitWidth}"),
        HalfFloatType => "float16",
        FloatType => "float32",
        DoubleType => "float64",
        Decimal32Type t => $"decimal32({t.Precision}, {t.Scale})",
        Decimal64Type t => $"decimal64({t.Precision}, {t.Scale})",
        Decimal128Type t => $"decimal128({t.Precision}, {t.Scale})",
        Decimal256Type t => $"decimal256({t.Precision}, {t.Scale})",
        Date32Type => "date DAY",
        Date64Type => "date MILLISECOND",
        TimeType t => $"time{t.BitWidth} {t.Unit.ToString().ToUpperInvariant()}",
        TimestampType t => $"timestamp {t.Unit.ToString().ToUpperInvariant()} {t.Timezone}",
        DurationType t => $"duration {t.Unit.ToString().ToUpperInvariant()}",
        IntervalType { Unit: IntervalUnit.YearMonth } => "interval YEAR_MONTH",
        IntervalType { Unit: IntervalUnit.DayTime } => "interval DAY_TIME",
        IntervalType => "interval MONTH_DAY_NANO",
        FixedSizeBinaryType t => $"fixedsizebinary({t.ByteWidth})",
        FixedSizeListType t => $"fixedsizelist({t.ListSize})",
        MapType t => t.KeySorted ? "map sorted" : "map",
        UnionType t => $"union {t.Mode.ToString().ToUpperInvariant()} {string.Join(',', t.TypeIds)}",
        NullType => "null",
        BooleanType => "bool",
        StringType => "utf8",
        BinaryType => "binary",
        LargeStringType => "largeutf8",
        LargeBinaryType => "largebinary",
        StringViewType => "utf8view",
        BinaryViewType => "binaryview",
        ListType => "list",
        LargeListType => "largelist",
        ListViewType => "listview",
        LargeListViewType => "largelistview",
        StructType => "struct",
        RunEndEncodedType => "runendencoded",
        _ => throw new NotSupportedException(type.Name),
    };
}
