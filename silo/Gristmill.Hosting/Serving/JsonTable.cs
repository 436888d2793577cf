using System.Buffers;
using System.Globalization;
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

    private static void WriteValue(Utf8JsonWriter writer, IArrowArray array, int row)
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
            case StringArray strings: writer.WriteStringValue(strings.GetBytes(row)); break;
            case TimestampArray timestamps: writer.WriteStringValue(timestamps.GetTimestamp(row)!.Value); break;
            case FixedSizeListArray list:
                var width = ((FixedSizeListType)list.Data.DataType).ListSize;
                writer.WriteStartArray();
                for (var i = 0; i < width; i++)
                {
                    WriteValue(writer, list.Values, ((list.Offset + row) * width) + i);
                }

                writer.WriteEndArray();
                break;
            case ListArray list:
                writer.WriteStartArray();
                for (var i = list.ValueOffsets[row]; i < list.ValueOffsets[row + 1]; i++)
                {
                    WriteValue(writer, list.Values, i);
                }

                writer.WriteEndArray();
                break;
            default:
                throw new GristmillException(ErrorCodes.TypeMismatch, $"A column of type {array.Data.DataType.Name} cannot be answered as JSON.",
                    "Ask with an Arrow body.");
        }
    }

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
