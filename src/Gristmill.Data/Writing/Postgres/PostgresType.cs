using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Data.Writing.Postgres;

/// <summary>A type of the server. Of a domain it is what the domain is made of.</summary>
/// <param name="Oid">Its number.</param>
/// <param name="Kind">pg_type.typtype: 'e' is an enum.</param>
/// <param name="Category">pg_type.typcategory: 'S' is text.</param>
/// <param name="Modifier">Its length, or precision and scale; -1: none.</param>
/// <param name="Item">Of arrays: the type of what is in them.</param>
internal sealed record PostgresType(uint Oid, char Kind, char Category, int Modifier, PostgresType? Item)
{
    public const uint Bool = 16, Bytea = 17, Int8 = 20, Int2 = 21, Int4 = 23, Text = 25, ObjectId = 26, Json = 114, Xml = 142, Float4 = 700, Float8 = 701, Date = 1082, Time = 1083,
        Timestamp = 1114, TimestampTz = 1184, Interval = 1186, Numeric = 1700, Uuid = 2950, Jsonb = 3802;

    /// <summary>Digits behind the point of a numeric; null: as many as a value has.</summary>
    public int? Scale => Modifier < 4 ? null : (((Modifier - 4) & 0x7FF) ^ 0x400) - 0x400;

    public bool IsText => Category == 'S' || Kind == 'e' || Oid is Text or Json or Xml;

    /// <summary>What a column of a new table is; null: there is nothing like it.</summary>
    public static string? For(Field field) => field.HasMetadata && field.Metadata.TryGetValue("ARROW:extension:name", out var extension) && extension == "arrow.uuid" ? "uuid" : For(field.DataType);

    private static string? For(IArrowType type) => type switch
    {
        Decimal256Type => null, // which Arrow has among the binary ones
        BooleanType => "boolean",
        Int8Type or UInt8Type or Int16Type => "smallint",
        UInt16Type or Int32Type => "integer",
        UInt32Type or Int64Type => "bigint",
        UInt64Type => "numeric(20, 0)",
        HalfFloatType or FloatType => "real",
        DoubleType => "double precision",
        Decimal32Type number => Decimal(number.Precision, number.Scale),
        Decimal64Type number => Decimal(number.Precision, number.Scale),
        Decimal128Type number => Decimal(number.Precision, number.Scale),
        StringType or LargeStringType or StringViewType or NullType => "text",
        BinaryType or LargeBinaryType or BinaryViewType or FixedSizeBinaryType => "bytea",
        Date32Type or Date64Type => "date",
        Time32Type or Time64Type => "time",
        TimestampType { Timezone: null } => "timestamp",
        TimestampType => "timestamptz",
        DurationType => "interval",
        DictionaryType dictionary => For(dictionary.ValueType),
        ListType list => Array(list.ValueDataType),
        LargeListType list => Array(list.ValueDataType),
        FixedSizeListType list => Array(list.ValueDataType),
        _ => null,
    };

    private static string Decimal(int precision, int scale) => FormattableString.Invariant($"numeric({precision}, {scale})");

    // Arrays of arrays would have to be of one length each.
    private static string? Array(IArrowType items) => For(items) is { } item && !item.EndsWith(']') ? item + "[]" : null;
}
