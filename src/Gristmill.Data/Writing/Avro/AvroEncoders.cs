using System.Text.RegularExpressions;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Data.Sources;

namespace Gristmill.Data.Writing.Avro;

/// <summary>Makes the encoder of a schema.</summary>
internal sealed partial class AvroEncoders
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    private AvroEncoders()
    {
    }

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: a name that Avro has not; <see cref="ErrorCodes.TypeMismatch"/>: a type.</exception>
    public static AvroRecord Of(Schema schema) => new AvroEncoders().Record("row", "", schema.FieldsList);

    private AvroRecord Record(string name, string path, IEnumerable<Field> fields) => new(Unique(name), [.. fields.Select(field => (Name(path, field.Name), Value(path + field.Name, field)))]);

    private AvroEncoder Value(string path, Field field) => Type(path, field.DataType) switch
    {
        AvroEncoder.Nulls nulls => nulls,
        var value when field.IsNullable => new AvroOptional(value),
        var value => new AvroRequired(value, path),
    };

    private AvroEncoder Type(string path, IArrowType type) => type switch
    {
        NullType => new AvroEncoder.Nulls(),
        BooleanType => new AvroEncoder.Bits(),
        Int8Type => new AvroEncoder.Integers<sbyte>("int"),
        UInt8Type => new AvroEncoder.Integers<byte>("int"),
        Int16Type => new AvroEncoder.Integers<short>("int"),
        UInt16Type => new AvroEncoder.Integers<ushort>("int"),
        Int32Type => new AvroEncoder.Integers<int>("int"),
        UInt32Type => new AvroEncoder.Integers<uint>("long"),
        Int64Type => new AvroEncoder.Integers<long>("long"),
        HalfFloatType => new AvroEncoder.Floats<Half>(),
        FloatType => new AvroEncoder.Floats<float>(),
        DoubleType => new AvroEncoder.Doubles(),
        Decimal128Type { Scale: >= 0 } number => new AvroEncoder.Decimals(number),
        StringType => new AvroEncoder.Bytes<int>("string"),
        LargeStringType => new AvroEncoder.Bytes<long>("string"),
        StringViewType => new AvroEncoder.Views("string"),
        BinaryType => new AvroEncoder.Bytes<int>("bytes"),
        LargeBinaryType => new AvroEncoder.Bytes<long>("bytes"),
        BinaryViewType => new AvroEncoder.Views("bytes"),
        FixedSizeBinaryType binary => new AvroEncoder.Fixed(Unique(path), binary.ByteWidth),
        Date32Type => new AvroEncoder.Integers<int>("int", "date"),
        Date64Type => new AvroEncoder.Integers<long>("int", "date", -86_400_000),
        Time32Type { Unit: TimeUnit.Second } => new AvroEncoder.Integers<int>("int", "time-millis", 1000),
        Time32Type => new AvroEncoder.Integers<int>("int", "time-millis"),
        Time64Type { Unit: TimeUnit.Microsecond } => new AvroEncoder.Integers<long>("long", "time-micros"),
        TimestampType time => new AvroEncoder.Integers<long>("long", (time.Timezone is null ? "local-timestamp-" : "timestamp-")
            + time.Unit switch { TimeUnit.Nanosecond => "nanos", TimeUnit.Microsecond => "micros", _ => "millis" }, time.Unit == TimeUnit.Second ? 1000 : 1),
        ListType list => new AvroItems<int>(Value($"{path}_item", list.ValueField), isMap: false),
        LargeListType list => new AvroItems<long>(Value($"{path}_item", list.ValueField), isMap: false),
        FixedSizeListType { ListSize: > 0 } list => new AvroItems<int>(Value($"{path}_item", list.ValueField), isMap: false, list.ListSize),
        MapType { KeyField.DataType: StringType } map => new AvroItems<int>(new AvroEntry(new AvroRequired(new AvroEncoder.Bytes<int>("string"), $"{path}_key"), Value($"{path}_value", map.ValueField)), isMap: true),
        StructType { Fields.Count: > 0 } record => Record(path, $"{path}_", record.Fields),
        DictionaryType dictionary => Dictionary(path, dictionary, Type(path, dictionary.ValueType)),
        _ => throw Unfit(path, type),
    };

    private static AvroEncoder Dictionary(string path, DictionaryType type, AvroEncoder values) => type.IndexType switch
    {
        Int8Type => new AvroEncoder.Dictionary<sbyte>(values),
        UInt8Type => new AvroEncoder.Dictionary<byte>(values),
        Int16Type => new AvroEncoder.Dictionary<short>(values),
        UInt16Type => new AvroEncoder.Dictionary<ushort>(values),
        Int32Type => new AvroEncoder.Dictionary<int>(values),
        UInt32Type => new AvroEncoder.Dictionary<uint>(values),
        Int64Type => new AvroEncoder.Dictionary<long>(values),
        _ => throw Unfit(path, type),
    };

    private static string Name(string path, string name) => AvroName().IsMatch(name) ? name
        : throw new GristmillException(ErrorCodes.Invalid, $"Avro has no field of the name '{name}': names are of letters, digits and _, and do not begin with a digit.",
            "Give it another name before, such as by SQL's AS.").With("column", path + name);

    private static GristmillException Unfit(string path, IArrowType type) =>
        new GristmillException(ErrorCodes.TypeMismatch, $"The column '{path}' is {SchemaChange.Text(type)}, which Avro has not.", "Cast it in SQL before, or write Parquet or Arrow.").With("column", path);

    private string Unique(string name)
    {
        var unique = name;
        for (var i = 2; !_names.Add(unique); i++)
        {
            unique = FormattableString.Invariant($"{name}_{i}");
        }

        return unique;
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex AvroName();
}
