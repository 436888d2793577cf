using Apache.Arrow;
using Apache.Arrow.Types;
using DuckDB.NET.Native;
using LogicalTypes = DuckDB.NET.Native.NativeMethods.LogicalType;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>Chooses the writer, and with it the Arrow type, for each DuckDB type.</summary>
internal static class ColumnWriters
{
    /// <summary>DUCKDB_TYPE_TIME_NS, which the bindings do not name.</summary>
    private const DuckDBType TimeNs = (DuckDBType)39;

    /// <summary>The writers of a result's columns.</summary>
    /// <param name="result">The result.</param>
    /// <param name="given">Their names; null: as the result has them.</param>
    /// <exception cref="GristmillException">sql.error: two columns have one name; type_mismatch.</exception>
    public static ColumnWriter[] Of(ref DuckDBResult result, IReadOnlyList<string>? given = null)
    {
        var columns = new ColumnWriter[NativeMethods.Query.DuckDBColumnCount(ref result)];
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < columns.Length; i++)
        {
            var name = given?[i] ?? NativeMethods.Query.DuckDBColumnName(ref result, i);
            using var type = NativeMethods.Query.DuckDBColumnLogicalType(ref result, i);
            columns[i] = Create(Unique(names, name), type);
        }

        return columns;
    }

    /// <summary>The Arrow schema of what they write.</summary>
    public static Schema SchemaOf(IEnumerable<ColumnWriter> columns) =>
        new(columns.Select(column => new Field(column.Column, column.Type, nullable: true)), null);

    /// <summary>Adds a name that must be new.</summary>
    public static string Unique(HashSet<string> names, string name) => names.Add(name)
        ? name
        : throw new GristmillException(ErrorCodes.Sql, $"The result has two columns called '{name}'.", "Name one of them with AS.").With("column", name);

    /// <summary>The writer of a result column.</summary>
    /// <exception cref="GristmillException">type_mismatch, naming column and type.</exception>
    public static ColumnWriter Create(string column, DuckDBLogicalType type, bool nested = false)
    {
        var id = LogicalTypes.DuckDBGetTypeId(type);
        return id switch
        {
            DuckDBType.Boolean => new BooleanWriter(column),
            DuckDBType.TinyInt => new FixedWriter(column, Int8Type.Default, 1),
            DuckDBType.SmallInt => new FixedWriter(column, Int16Type.Default, 2),
            DuckDBType.Integer => new FixedWriter(column, Int32Type.Default, 4),
            DuckDBType.BigInt => new FixedWriter(column, Int64Type.Default, 8),
            DuckDBType.UnsignedTinyInt => new FixedWriter(column, UInt8Type.Default, 1),
            DuckDBType.UnsignedSmallInt => new FixedWriter(column, UInt16Type.Default, 2),
            DuckDBType.UnsignedInteger => new FixedWriter(column, UInt32Type.Default, 4),
            DuckDBType.UnsignedBigInt => new FixedWriter(column, UInt64Type.Default, 8),
            DuckDBType.Float => new FixedWriter(column, FloatType.Default, 4),
            DuckDBType.Double => new FixedWriter(column, DoubleType.Default, 8),
            DuckDBType.HugeInt => Huge<Int128, FromHugeInt>(column),
            DuckDBType.UnsignedHugeInt => Huge<UInt128, FromUHugeInt>(column),
            DuckDBType.Decimal => Decimal(column, type),
            DuckDBType.Date => new FixedWriter(column, Date32Type.Default, 4),
            DuckDBType.Time => new FixedWriter(column, TimeType.Microsecond, 8),
            TimeNs => new FixedWriter(column, TimeType.Nanosecond, 8),
            DuckDBType.Timestamp => Timestamp(column, TimeUnit.Microsecond),
            DuckDBType.TimestampS => Timestamp(column, TimeUnit.Second),
            DuckDBType.TimestampMs => Timestamp(column, TimeUnit.Millisecond),
            DuckDBType.TimestampNs => Timestamp(column, TimeUnit.Nanosecond),
            DuckDBType.TimestampTz => Timestamp(column, TimeUnit.Microsecond, "UTC"),
            DuckDBType.Interval => new ConvertingWriter<DuckInterval, DuckInterval, FromInterval>(
                column, IntervalType.MonthDayNanosecond, "an interval is too long to count its nanoseconds in 64 bits.", "Shorten it."),
            DuckDBType.Varchar => new StringWriter(column, StringType.Default),
            DuckDBType.Blob => new StringWriter(column, BinaryType.Default),
            DuckDBType.Uuid => new UuidWriter(column),
            DuckDBType.Enum => nested ? new EnumNameWriter(column, type) : EnumWriter.Create(column, type),
            DuckDBType.List => List(column, type),
            DuckDBType.Array => FixedSizeList(column, type),
            DuckDBType.Struct => Struct(column, type),
            DuckDBType.Map => Map(column, type),
            DuckDBType.SqlNull => new NullWriter(column),
            _ => throw Unsupported(column, id),
        };
    }

    private static ConvertingWriter<T, Int128, TConverter> Huge<T, TConverter>(string column)
        where T : unmanaged
        where TConverter : struct, IValueConverter<T, Int128> =>
        new(column, new Decimal128Type(38, 0), "a huge integer has more than 38 digits.", "Cast the column to double.");

    private static ColumnWriter Decimal(string column, DuckDBLogicalType type)
    {
        var arrow = new Decimal128Type(LogicalTypes.DuckDBDecimalWidth(type), LogicalTypes.DuckDBDecimalScale(type));
        const string Never = "a decimal does not fit its type.";
        return LogicalTypes.DuckDBDecimalInternalType(type) switch
        {
            DuckDBType.SmallInt => new ConvertingWriter<short, Int128, FromInt16>(column, arrow, Never, Never),
            DuckDBType.Integer => new ConvertingWriter<int, Int128, FromInt32>(column, arrow, Never, Never),
            DuckDBType.BigInt => new ConvertingWriter<long, Int128, FromInt64>(column, arrow, Never, Never),
            _ => new FixedWriter(column, arrow, 16),
        };
    }

    private static FixedWriter Timestamp(string column, TimeUnit unit, string? zone = null) =>
        new(column, new TimestampType(unit, zone), 8);

    private static ListWriter List(string column, DuckDBLogicalType type)
    {
        using var childType = LogicalTypes.DuckDBListTypeChildType(type);
        var child = Create(column, childType, nested: true);
        return new ListWriter(column, new ListType(new Field("item", child.Type, nullable: true)), child);
    }

    private static ArrayWriter FixedSizeList(string column, DuckDBLogicalType type)
    {
        using var childType = LogicalTypes.DuckDBArrayTypeChildType(type);
        var child = Create(column, childType, nested: true);
        var size = checked((int)LogicalTypes.DuckDBArrayVectorGetSize(type));
        return new ArrayWriter(column, new FixedSizeListType(new Field("item", child.Type, nullable: true), size), child, size);
    }

    private static StructWriter Struct(string column, DuckDBLogicalType type)
    {
        var count = LogicalTypes.DuckDBStructTypeChildCount(type);
        var fields = new List<Field>();
        var writers = new List<ColumnWriter>();
        for (long i = 0; i < count; i++)
        {
            using var childType = LogicalTypes.DuckDBStructTypeChildType(type, i);
            writers.Add(Create(column, childType, nested: true));
            fields.Add(new Field(LogicalTypes.DuckDBStructTypeChildName(type, i), writers[^1].Type, nullable: true));
        }

        return new StructWriter(column, new StructType(fields), [.. writers]);
    }

    private static ListWriter Map(string column, DuckDBLogicalType type)
    {
        using var keyType = LogicalTypes.DuckDBMapTypeKeyType(type);
        using var valueType = LogicalTypes.DuckDBMapTypeValueType(type);
        var key = Create(column, keyType, nested: true);
        var value = Create(column, valueType, nested: true);
        var map = new MapType(new Field("key", key.Type, nullable: false), new Field("value", value.Type, nullable: true));
        return new ListWriter(column, map, new StructWriter(column, map.Fields[0].DataType, [key, value]));
    }

    private static GristmillException Unsupported(string column, DuckDBType id) =>
        new GristmillException(ErrorCodes.TypeMismatch, $"Column '{column}' has DuckDB's type {id}, which a dataset cannot hold.",
            "Cast it in the query, for example to varchar.")
        .With("column", column).With("type", id.ToString());
}
