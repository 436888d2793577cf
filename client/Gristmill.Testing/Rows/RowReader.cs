using System.Globalization;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Testing;

/// <summary>Reads tables of the store as rows, for assertions.</summary>
internal static class RowReader
{
    public static IReadOnlyList<TestRow> Read(ObjectStore store, ObjectRef table)
    {
        using var lease = store.Get(table);
        return Read(lease.Schema, lease.Batches);
    }

    public static IReadOnlyList<TestRow> Read(Schema schema, IEnumerable<RecordBatch> batches)
    {
        var names = schema.FieldsList.Select(field => field.Name).ToArray();
        var rows = new List<TestRow>();
        foreach (var batch in batches)
        {
            for (var row = 0; row < batch.Length; row++)
            {
                var values = new object?[names.Length];
                for (var column = 0; column < values.Length; column++)
                {
                    values[column] = Value(batch.Column(column), row);
                }

                rows.Add(new TestRow(names, values));
            }
        }

        return rows;
    }

    /// <summary>Rows as objects: the way of JSON, so that records, classes and their attributes mean what they mean elsewhere.</summary>
    public static IReadOnlyList<T> As<T>(IReadOnlyList<TestRow> rows)
    {
        var result = new List<T>(rows.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            try
            {
                result.Add(JsonSerializer.SerializeToElement(rows[i].ToDictionary(), Lenient).Deserialize<T>(Lenient)!);
            }
            catch (JsonException e)
            {
                throw new InvalidCastException(string.Create(CultureInfo.InvariantCulture, $"Row {i}, {rows[i]}, is no {typeof(T).Name}: {e.Message}"), e);
            }
        }

        return result;
    }

    // A table may have more columns than somebody asks for.
    private static JsonSerializerOptions Lenient => GristmillJson.Tolerant;

    private static object? Value(IArrowArray array, int at)
    {
        if (array.IsNull(at))
        {
            return null;
        }

        return array switch
        {
            BooleanArray a => a.GetValue(at),
            Int8Array a => a.GetValue(at),
            Int16Array a => a.GetValue(at),
            Int32Array a => a.GetValue(at),
            Int64Array a => a.GetValue(at),
            UInt8Array a => a.GetValue(at),
            UInt16Array a => a.GetValue(at),
            UInt32Array a => a.GetValue(at),
            UInt64Array a => a.GetValue(at),
            HalfFloatArray a => (float)a.GetValue(at)!.Value,
            FloatArray a => a.GetValue(at),
            DoubleArray a => a.GetValue(at),
            StringArray a => a.GetString(at),
            LargeStringArray a => a.GetString(at),
            StringViewArray a => a.GetString(at),
            Date32Array a => a.GetDateOnly(at),
            Date64Array a => a.GetDateOnly(at),
            TimestampArray a when a.Data.DataType is TimestampType { Timezone: null or "" } => DateTime.SpecifyKind(a.GetTimestamp(at)!.Value.DateTime, DateTimeKind.Unspecified),
            TimestampArray a => a.GetTimestamp(at),
            Time32Array a => a.GetTime(at),
            Time64Array a => a.GetTime(at),
            Decimal128Array a => a.GetValue(at),
            DictionaryArray a => Value(a.Dictionary, Convert.ToInt32(Value(a.Indices, at), CultureInfo.InvariantCulture)),
            ListArray a => List(a.GetSlicedValues(at)),
            LargeListArray a => List(a.GetSlicedValues(at)),
            FixedSizeListArray a => List(a.GetSlicedValues(at)),
            StructArray a => ((StructType)a.Data.DataType).Fields.Select((field, i) => (field.Name, Value: Value(a.Fields[i], at))).ToDictionary(f => f.Name, f => f.Value),
            BinaryArray a => a.GetBytes(at).ToArray(),
            _ => throw new NotSupportedException($"A column of type {array.Data.DataType.Name} cannot be read as rows."),
        };
    }

    private static object?[] List(IArrowArray values) => [.. Enumerable.Range(0, values.Length).Select(i => Value(values, i))];
}
