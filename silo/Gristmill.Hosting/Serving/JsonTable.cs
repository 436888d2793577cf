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
    public static RecordBatch Read(ReadOnlySpan<byte> json, ModelManifest manifest)
    {
        var columns = manifest.Inputs.Select(input => new Column(input)).ToArray();
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

    private static void ReadRow(ref Utf8JsonReader reader, int row, Column[] columns)
    {
        foreach (var column in columns)
        {
            column.Seen = false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            Column? found = null;
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

    private static string Names(Column[] columns) => string.Join(", ", columns.Select(column => $"'{column.Signature.Name}'"));

    private static GristmillException Error(string code, int row, string column, string what, string hint) =>
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
            case DoubleArray doubles: WriteNumber(writer, doubles.Values[row]); break;
            case Int64Array longs: writer.WriteNumberValue(longs.Values[row]); break;
            case Int32Array ints: writer.WriteNumberValue(ints.Values[row]); break;
            case UInt32Array uints: writer.WriteNumberValue(uints.Values[row]); break;
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

    private sealed class Column
    {
        private readonly FloatArray.Builder? _numbers;
        private readonly StringArray.Builder? _strings;
        private readonly BooleanArray.Builder? _booleans;
        private readonly TimestampArray.Builder? _timestamps;
        private readonly FixedSizeListArray.Builder? _tensors;
        private readonly int _width;

        public Column(ColumnSignature signature)
        {
            Signature = signature;
            switch (signature.Type)
            {
                case ColumnType.Number: _numbers = new FloatArray.Builder(); Type = FloatType.Default; break;
                case ColumnType.String: _strings = new StringArray.Builder(); Type = StringType.Default; break;
                case ColumnType.Boolean: _booleans = new BooleanArray.Builder(); Type = BooleanType.Default; break;
                case ColumnType.Timestamp:
                    var utc = new TimestampType(TimeUnit.Microsecond, "UTC");
                    _timestamps = new TimestampArray.Builder(utc);
                    Type = utc;
                    break;
                default:
                    _width = checked((int)(signature.Shape ?? []).Where(extent => extent > 0).Aggregate(1L, (a, b) => a * b));
                    _tensors = new FixedSizeListArray.Builder(FloatType.Default, _width);
                    Type = new FixedSizeListType(FloatType.Default, _width);
                    break;
            }
        }

        public ColumnSignature Signature { get; }

        public IArrowType Type { get; }

        public bool Seen { get; set; }

        public void Append(ref Utf8JsonReader reader, int row)
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.Null:
                    AppendNull(row);
                    break;
                case JsonTokenType.String when _numbers is not null && reader.ValueTextEquals("NaN"u8):
                    AppendNull(row);
                    break;
                case JsonTokenType.Number when _numbers is not null:
                    _numbers.Append(Single(ref reader, row));
                    break;
                case JsonTokenType.String when _strings is not null:
                    _strings.Append(reader.GetString());
                    break;
                case JsonTokenType.True or JsonTokenType.False when _booleans is not null:
                    _booleans.Append(reader.GetBoolean());
                    break;
                case JsonTokenType.String when _timestamps is not null && DateTimeOffset.TryParse(reader.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant):
                    _timestamps.Append(instant);
                    break;
                case JsonTokenType.StartArray when _tensors is not null:
                    AppendTensor(ref reader, row);
                    break;
                default:
                    throw Error(ErrorCodes.TypeMismatch, row, Signature.Name,
                        $"the field '{Signature.Name}' is a JSON {reader.TokenType.ToString().ToLowerInvariant()}", $"It takes a {Signature.Type.ToString().ToLowerInvariant()}.");
            }
        }

        public void AppendNull(int row)
        {
            if (!Signature.Nullable)
            {
                throw Error(ErrorCodes.BadValue, row, Signature.Name, $"the field '{Signature.Name}' is null or NaN", "The model has nothing to put in its place: send a value.");
            }

            _numbers?.AppendNull();
            _strings?.AppendNull();
            _booleans?.AppendNull();
            _timestamps?.AppendNull();
            _tensors?.AppendNull();
        }

        public IArrowArray Build() =>
            _numbers?.Build() ?? _strings?.Build() ?? _booleans?.Build() ?? _timestamps?.Build() ?? (IArrowArray)_tensors!.Build();

        // A number too large for 32 bits would be read as infinity.
        private float Single(ref Utf8JsonReader reader, int row)
        {
            var value = reader.GetSingle();
            return float.IsFinite(value) ? value
                : throw Error(ErrorCodes.BadValue, row, Signature.Name, $"the number in the field '{Signature.Name}' does not fit a 32-bit float", "Send a smaller one.");
        }

        private void AppendTensor(ref Utf8JsonReader reader, int row)
        {
            // Nested arrays are read in row-major order: [[1,2],[3,4]] and [1,2,3,4] are the same tensor.
            // The builder's Append starts a list and checks that the one before it is whole.
            _tensors!.Append();
            var values = (FloatArray.Builder)_tensors.ValueBuilder;
            var depth = reader.CurrentDepth;
            var count = 0;
            while (reader.Read() && !(reader.TokenType == JsonTokenType.EndArray && reader.CurrentDepth == depth))
            {
                if (reader.TokenType == JsonTokenType.Number)
                {
                    values.Append(Single(ref reader, row));
                    count++;
                }
                else if (reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.EndArray))
                {
                    throw Error(ErrorCodes.TypeMismatch, row, Signature.Name, $"the field '{Signature.Name}' holds a JSON {reader.TokenType.ToString().ToLowerInvariant()}", "It takes numbers.");
                }
            }

            if (count != _width)
            {
                throw Error(ErrorCodes.BadValue, row, Signature.Name, $"the field '{Signature.Name}' has {count} numbers", $"It takes {_width}.");
            }
        }
    }
}
