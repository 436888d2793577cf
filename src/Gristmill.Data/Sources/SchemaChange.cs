using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Data.Sources;

/// <summary>Compares the columns of two files.</summary>
internal static class SchemaChange
{
    /// <summary>Throws unless the second has the columns of the first, in any order.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/> or <see cref="ErrorCodes.UnknownColumn"/>, naming file and column.</exception>
    public static void Check(Schema first, string firstFile, Schema other, string otherFile)
    {
        const string Hint = "Read them by name (UnionByName), where what lacks is null and types are widened, or leave the file out.";
        foreach (var field in first.FieldsList)
        {
            var there = other.FieldsList.FirstOrDefault(candidate => candidate.Name == field.Name)
                ?? throw new GristmillException(ErrorCodes.UnknownColumn, $"'{otherFile}' has no column '{field.Name}', which '{firstFile}' has.", Hint)
                    .With("file", otherFile).With("column", field.Name);
            if (Text(there.DataType) is var type && Text(field.DataType) is var expected && type != expected)
            {
                throw new GristmillException(ErrorCodes.TypeMismatch, $"The column '{field.Name}' is {type} in '{otherFile}', and {expected} in '{firstFile}'.", Hint)
                    .With("file", otherFile).With("column", field.Name);
            }
        }

        if (other.FieldsList.FirstOrDefault(field => first.FieldsList.All(known => known.Name != field.Name)) is { } added)
        {
            throw new GristmillException(ErrorCodes.UnknownColumn, $"'{otherFile}' has a column '{added.Name}', which '{firstFile}' has not.", Hint)
                .With("file", otherFile).With("column", added.Name);
        }
    }

    /// <summary>A type, for people.</summary>
    public static string Text(IArrowType type) => type switch
    {
        TimestampType timestamp => $"timestamp[{timestamp.Unit}{(timestamp.Timezone is { } zone ? $", {zone}" : "")}]".ToLowerInvariant(),
        Decimal128Type number => FormattableString.Invariant($"decimal({number.Precision}, {number.Scale})"),
        DictionaryType dictionary => Text(dictionary.ValueType),
        TimeBasedType time => $"{type.Name}[{time.Unit}]".ToLowerInvariant(),
        FixedSizeBinaryType binary => FormattableString.Invariant($"{type.Name}[{binary.ByteWidth}]"),
        FixedSizeListType list => FormattableString.Invariant($"{type.Name}[{list.ListSize}]<{Text(list.ValueDataType)}>"),
        MapType map => $"map<{Text(map.KeyField.DataType)}, {Text(map.ValueField.DataType)}>",
        ListType list => $"list<{Text(list.ValueDataType)}>",
        NestedType nested => $"{type.Name}<{string.Join(", ", nested.Fields.Select(static field => $"{field.Name}: {Text(field.DataType)}"))}>",
        _ => type.Name,
    };
}
