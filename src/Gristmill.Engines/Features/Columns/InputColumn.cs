using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Features;

/// <summary>How exactly a number column was stored in training: later values are rounded to it, so that 0.1 in JSON meets 0.1f in a table.</summary>
internal enum NumberPrecision
{
    Double = 0,
    Single = 1,
    Half = 2,
}

/// <summary>One raw column an encoder reads.</summary>
internal sealed record InputColumn(string Name, ColumnType Type, NumberPrecision Precision = NumberPrecision.Double)
{
    /// <summary>Every transform that reads it takes null.</summary>
    public bool Nullable { get; init; }

    /// <summary>The column's UTF-8 name, for JSON rows.</summary>
    public byte[] Utf8Name { get; } = System.Text.Encoding.UTF8.GetBytes(Name);

    /// <summary>The kind of column an Arrow type makes, or null for types no transform reads.</summary>
    public static ColumnType? TypeOf(IArrowType type) => type switch
    {
        DictionaryType dictionary => TypeOf(dictionary.ValueType),
        _ => type.TypeId switch
        {
            ArrowTypeId.Int8 or ArrowTypeId.Int16 or ArrowTypeId.Int32 or ArrowTypeId.Int64
                or ArrowTypeId.UInt8 or ArrowTypeId.UInt16 or ArrowTypeId.UInt32 or ArrowTypeId.UInt64
                or ArrowTypeId.HalfFloat or ArrowTypeId.Float or ArrowTypeId.Double
                or ArrowTypeId.Decimal32 or ArrowTypeId.Decimal64 or ArrowTypeId.Decimal128 or ArrowTypeId.Decimal256 => ColumnType.Number,
            ArrowTypeId.Boolean => ColumnType.Boolean,
            ArrowTypeId.String or ArrowTypeId.LargeString or ArrowTypeId.StringView => ColumnType.String,
            ArrowTypeId.Date32 or ArrowTypeId.Date64 or ArrowTypeId.Timestamp => ColumnType.Timestamp,
            _ => null,
        },
    };

    /// <summary>Reads name, type and precision from a field.</summary>
    /// <exception cref="GristmillException">type_mismatch for types no transform reads.</exception>
    public static InputColumn Of(Field field) => new(
        field.Name,
        TypeOf(field.DataType) ?? throw new GristmillException(ErrorCodes.TypeMismatch,
            $"Column '{field.Name}' is of type {field.DataType.Name}, which no transform reads.",
            "Exclude it, or turn it into a number, text, boolean or timestamp in SQL.").With("column", field.Name),
        (field.DataType is DictionaryType d ? d.ValueType : field.DataType).TypeId switch
        {
            ArrowTypeId.HalfFloat => NumberPrecision.Half,
            ArrowTypeId.Float => NumberPrecision.Single,
            _ => NumberPrecision.Double,
        });

    /// <summary>The column in a batch, checked against the type it was fitted with. A column of Arrow's null type fits any.</summary>
    public IArrowArray Find(RecordBatch batch)
    {
        var index = IndexOf(batch.Schema, Name);
        if (index < 0)
        {
            throw new GristmillException(ErrorCodes.UnknownColumn,
                $"Column '{Name}' is missing; there are {string.Join(", ", batch.Schema.FieldsList.Select(f => $"'{f.Name}'"))}.",
                "Give the table every column the transforms were fitted on.").With("column", Name);
        }

        var array = batch.Column(index);
        if (array.Data.DataType.TypeId != ArrowTypeId.Null && TypeOf(array.Data.DataType) != Type)
        {
            throw new GristmillException(ErrorCodes.TypeMismatch,
                $"Column '{Name}' is of type {array.Data.DataType.Name}; the transforms were fitted on a {Type.ToString().ToLowerInvariant()}.",
                "Cast the column in SQL, or fit again.").With("column", Name);
        }

        return array;
    }

    /// <summary>The first field of a name, exactly, or -1.</summary>
    public static int IndexOf(Schema schema, string name)
    {
        for (var i = 0; i < schema.FieldsList.Count; i++)
        {
            if (string.Equals(schema.FieldsList[i].Name, name, StringComparison.Ordinal))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Rounds to the precision the column had in training.</summary>
    public double Round(double value) => Precision switch
    {
        NumberPrecision.Single => (float)value,
        NumberPrecision.Half => (double)(Half)value,
        _ => value,
    };

    /// <summary>The error for a value a transform cannot take.</summary>
    public GristmillException BadValue(long row, string what, string hint) =>
        new GristmillException(ErrorCodes.BadValue, $"Column '{Name}', row {row}: {what}.", hint)
            .With("column", Name).With("row", row.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
