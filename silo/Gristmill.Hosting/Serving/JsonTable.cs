using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines;

namespace Gristmill.Hosting;

/// <summary>
/// JSON rows to a record batch and back, by a model's signature: for models that take columns as they are (a user's ML.NET
/// chain, ONNX). Models with an encoder do not come here.
/// </summary>
internal static class JsonTable
{
    /// <summary>Reads the rows of a request; see <see cref="JsonRowCursor"/> for the shapes it may have.</summary>
    /// <param name="json">The request.</param>
    /// <param name="manifest">Says which fields there are, and which may be null.</param>
    /// <param name="types">The model's <see cref="IPredictor.InputSchema"/>: numbers are read in the types it computes with.</param>
    public static RecordBatch Read(ReadOnlySpan<byte> json, ModelManifest manifest, Schema types)
    {
        var columns = manifest.Inputs.Select(input => JsonColumn.Create(input, types.GetFieldByName(input.Name).DataType)).ToArray();
        var cursor = new JsonRowCursor(json);
        var rows = 0;
        while (cursor.MoveNext())
        {
            ReadRow(ref cursor.Json, rows++, columns);
            if (cursor.IsOnly)
            {
                cursor.Finish();
            }
        }

        var schema = new Schema(columns.Select(column => new Field(column.Signature.Name, column.Type, true)), null);
        return new RecordBatch(schema, columns.Select(column => column.Build()), rows);
    }

    /// <summary>Writes each row of a batch as a JSON object.</summary>
    public static void Write(Utf8JsonWriter writer, RecordBatch batch)
    {
        for (var row = 0; row < batch.Length; row++)
        {
            writer.WriteStartObject();
            for (var i = 0; i < batch.ColumnCount; i++)
            {
                writer.WritePropertyName(batch.Schema.GetFieldByIndex(i).Name);
                WriteValue(writer, batch.Column(i), row);
            }

            writer.WriteEndObject();
        }
    }

    private static void ReadRow(ref Utf8JsonReader reader, int row, JsonColumn[] columns)
    {
        foreach (var column in columns)
        {
            column.Seen = false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            JsonColumn? found = null;
            foreach (var column in columns)
            {
                if (reader.ValueTextEquals(column.Signature.Name))
                {
                    found = column;
                    break;
                }
            }

            if (found is null)
            {
                var name = reader.GetString()!;
                throw Error(ErrorCodes.UnknownColumn, row, name, $"the field '{name}' is unknown; the model takes {Names(columns)}", "Send these fields and no others.");
            }

            if (found.Seen)
            {
                throw Error(ErrorCodes.Invalid, row, found.Signature.Name, $"the field '{found.Signature.Name}' stands there twice", "Send each field once.");
            }

            found.Seen = true;
            reader.Read();
            found.Append(ref reader, row);
        }

        foreach (var column in columns)
        {
            if (column.Seen)
            {
                continue;
            }

            if (!column.Signature.Nullable)
            {
                throw Error(ErrorCodes.UnknownColumn, row, column.Signature.Name, $"the field '{column.Signature.Name}' is missing; the model takes {Names(columns)}",
                    "Send every field; only those that may be null may be left out.");
            }

            column.AppendNull(row);
        }
    }

    private static string Names(JsonColumn[] columns) => string.Join(", ", columns.Select(column => $"'{column.Signature.Name}'"));

    internal static GristmillException Error(string code, int row, string column, string what, string hint) =>
        new GristmillException(code, $"Row {row}: {what}.", hint).With("column", column).With("row", row.ToString(CultureInfo.InvariantCulture));

    /// <summary>Writes one value; if there are limits, of texts and lists no more, with "..." at the end of what is cut, and the type's name for what has no form in JSON.</summary>
    internal static void WriteValue(Utf8JsonWriter writer, IArrowArray array, int row, int textLength = int.MaxValue, int listLength = int.MaxValue)
    {
        if (array.IsNull(row))
        {
            writer.WriteNullValue();
            return;
        }

        switch (array)
        {
            case FloatArray floats: WriteNumber(writer, floats.Values[row]); break;
            case HalfFloatArray halves: WriteNumber(writer, (float)halves.Values[row]); break;
            case DoubleArray doubles: WriteNumber(writer, doubles.Values[row]); break;
            case Int64Array longs: writer.WriteNumberValue(longs.Values[row]); break;
            case UInt64Array longs: writer.WriteNumberValue(longs.Values[row]); break;
            case Int32Array ints: writer.WriteNumberValue(ints.Values[row]); break;
            case UInt32Array ints: writer.WriteNumberValue(ints.Values[row]); break;
            case Int16Array shorts: writer.WriteNumberValue(shorts.Values[row]); break;
            case UInt16Array shorts: writer.WriteNumberValue(shorts.Values[row]); break;
            case Int8Array bytes: writer.WriteNumberValue(bytes.Values[row]); break;
            case UInt8Array bytes: writer.WriteNumberValue(bytes.Values[row]); break;
            case BooleanArray booleans: writer.WriteBooleanValue(booleans.GetValue(row) ?? false); break;
            case StringArray strings: WriteText(writer, strings.GetBytes(row), textLength); break;
            case LargeStringArray strings: WriteText(writer, strings.GetBytes(row), textLength); break;
            case StringViewArray strings: WriteText(writer, strings.GetBytes(row), textLength); break;
            case TimestampArray or Date32Array or Date64Array or Time32Array or Time64Array: WriteTime(writer, array, row); break;
            case Decimal128Array decimals: writer.WriteStringValue(decimals.GetString(row)); break;
            case DictionaryArray dictionary: WriteValue(writer, dictionary.Dictionary, IndexAt(dictionary.Indices, row), textLength, listLength); break;
            case FixedSizeListArray list:
                var width = ((FixedSizeListType)list.Data.DataType).ListSize;
                WriteList(list.Values, (list.Offset + row) * width, width);
                break;
            case ListArray list:
                WriteList(list.Values, list.ValueOffsets[row], list.ValueOffsets[row + 1] - list.ValueOffsets[row]);
                break;
            case StructArray record:
                writer.WriteStartObject();
                for (var i = 0; i < record.Fields.Count; i++)
                {
                    writer.WritePropertyName(((StructType)record.Data.DataType).Fields[i].Name);
                    WriteValue(writer, record.Fields[i], row, textLength, listLength);
                }

                writer.WriteEndObject();
                break;
            case BinaryArray binary: writer.WriteBase64StringValue(binary.GetBytes(row)[..Math.Min(binary.GetValueLength(row), textLength)]); break;
            default:
                if (listLength < int.MaxValue)
                {
                    writer.WriteStringValue($"({array.Data.DataType.Name})");
                    break;
                }

                throw new GristmillException(ErrorCodes.TypeMismatch, $"A column of type {array.Data.DataType.Name} cannot be answered as JSON.",
                    "Ask with an Arrow body.");
        }

        void WriteList(IArrowArray values, int start, int count)
        {
            writer.WriteStartArray();
            for (var i = start; i < start + Math.Min(count, listLength); i++)
            {
                // Lists in lists are cut shorter, so that a value has no more leaves than a list.
                WriteValue(writer, values, i, textLength, listLength == int.MaxValue ? listLength : Math.Max(1, listLength / Math.Max(1, count)));
            }

            if (count > listLength)
            {
                writer.WriteStringValue("...");
            }

            writer.WriteEndArray();
        }
    }

    private static void WriteText(Utf8JsonWriter writer, ReadOnlySpan<byte> utf8, int length)
    {
        if (utf8.Length <= length)
        {
            writer.WriteStringValue(utf8);
        }
        else
        {
            // A character is 1 to 4 bytes, 1 or 2 of .NET's.
            var text = Encoding.UTF8.GetString(utf8[..(int)Math.Min(utf8.Length, 4L * length)]);
            writer.WriteStringValue(text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)] + "...");
        }
    }

    private static void WriteTime(Utf8JsonWriter writer, IArrowArray array, int row)
    {
        try
        {
            switch (array)
            {
                case TimestampArray a when IsBeyond(a, row): throw new ArgumentOutOfRangeException(nameof(row));
                case TimestampArray a: writer.WriteStringValue(a.GetTimestamp(row)!.Value); break;
                case Date32Array a: writer.WriteStringValue(a.GetDateOnly(row)!.Value.ToString("O", CultureInfo.InvariantCulture)); break;
                case Date64Array a: writer.WriteStringValue(a.GetDateOnly(row)!.Value.ToString("O", CultureInfo.InvariantCulture)); break;
                case Time32Array a: writer.WriteStringValue(a.GetTime(row)!.Value.ToString("O", CultureInfo.InvariantCulture)); break;
                case Time64Array a: writer.WriteStringValue(a.GetTime(row)!.Value.ToString("O", CultureInfo.InvariantCulture)); break;
            }
        }
        catch (ArgumentOutOfRangeException)
        {
            writer.WriteStringValue("(beyond the year 9999)"); // or before the year 1
        }
    }

    /// <summary>Arrow's conversion overflows silently for what databases take for infinity.</summary>
    private static bool IsBeyond(TimestampArray array, int row)
    {
        var ticks = ((TimestampType)array.Data.DataType).Unit switch
        {
            TimeUnit.Second => TimeSpan.TicksPerSecond,
            TimeUnit.Millisecond => TimeSpan.TicksPerMillisecond,
            TimeUnit.Microsecond => TimeSpan.TicksPerMicrosecond,
            _ => 1,
        };
        return array.Values[row] / (long.MaxValue / ticks) != 0;
    }

    private static int IndexAt(IArrowArray indices, int row) => indices switch
    {
        Int32Array a => a.Values[row],
        UInt32Array a => checked((int)a.Values[row]),
        Int16Array a => a.Values[row],
        UInt16Array a => a.Values[row],
        Int8Array a => a.Values[row],
        UInt8Array a => a.Values[row],
        Int64Array a => checked((int)a.Values[row]),
        UInt64Array a => checked((int)a.Values[row]),
        _ => throw new ArgumentException($"a dictionary has indices of type {indices.Data.DataType.Name}", nameof(indices)),
    };

    // JSON has no NaN or infinity; null is what readers of every language take for "no number".
    private static void WriteNumber(Utf8JsonWriter writer, float value)
    {
        if (float.IsFinite(value))
        {
            writer.WriteNumberValue(value);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static void WriteNumber(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumberValue(value);
        }
        else
        {
            writer.WriteNullValue();
        }
    }
}
