using System.Buffers;
using System.Text.Json;
using Gristmill.Engines.Features;

namespace Gristmill.Engines;

public sealed partial class FeatureEncoder
{
    private const int StackCells = 64;
    private const int FirstText = 256;
    private const int MaxTokenInMessage = 64;

    // Inputs that a transform looks up by value: only these need exact integers or their text.
    private readonly bool[] _keyed;

    /// <summary>
    /// Encodes one JSON row, straight from its UTF-8 bytes, into floats, with the very arithmetic of <see cref="Encode(Apache.Arrow.RecordBatch, Span{float})"/>
    /// and, up to 64 columns, without allocating. Numbers are JSON numbers (or the text
    /// "NaN", which counts as null, or "Infinity" and "-Infinity", which are refused where a finite number is needed), booleans true or
    /// false, instants ISO 8601 text (UTC where no offset stands), text text. A field that is missing counts as null where null is taken.
    /// </summary>
    /// <param name="reader">Stands at the row's '{'; afterwards at its '}'. It must hold the whole row (a final block).</param>
    /// <param name="features">Width floats.</param>
    /// <param name="row">The row's number, for errors.</param>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming the field; invalid for a repeated field or malformed JSON.</exception>
    public void EncodeRow(scoped ref Utf8JsonReader reader, scoped Span<float> features, long row = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(features.Length, Width);
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new GristmillException(ErrorCodes.TypeMismatch, $"Row {row} is {Describe(ref reader)}, not an object.", "Give each row as {\"column\": value, ...}.")
                .With("row", Text(row));
        }

        var cells = _columns.Length <= StackCells ? stackalloc Cell[StackCells] : new Cell[_columns.Length];
        cells = cells[.._columns.Length];
        cells.Clear();
        Span<bool> seen = _columns.Length <= StackCells ? stackalloc bool[StackCells] : new bool[_columns.Length];
        var text = default(TextBuffer);
        try
        {
            ReadCells(ref reader, cells, seen, ref text, row);
            for (var t = 0; t < _transforms.Length; t++)
            {
                if (_offsets[t] < features.Length)
                {
                    _transforms[t].EncodeRow(cells, text.Written, features[_offsets[t]..], row);
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // The second: half a surrogate pair in a name.
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Row {row} is not valid JSON: {e.Message}", "Send well-formed JSON.", e).With("row", Text(row));
        }
        finally
        {
            text.Dispose();
        }
    }

    private void ReadCells(scoped ref Utf8JsonReader reader, scoped Span<Cell> cells, scoped Span<bool> seen, scoped ref TextBuffer text, long row)
    {
        var expected = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var input = FindInput(ref reader, expected);
            if (input < 0)
            {
                var name = NameOf(ref reader);
                throw new GristmillException(ErrorCodes.UnknownColumn,
                    $"Row {row}: the field '{name}' is unknown; the model takes {string.Join(", ", _columns.Select(c => $"'{c.Name}'"))}.",
                    "Send these fields and no others.").With("column", name).With("row", Text(row));
            }

            var column = _columns[input];
            if (seen[input])
            {
                throw new GristmillException(ErrorCodes.Invalid, $"Row {row}: the field '{column.Name}' stands there twice.", "Send each field once.")
                    .With("column", column.Name).With("row", Text(row));
            }

            seen[input] = true;
            expected = input + 1;
            reader.Read();
            cells[input] = ReadCell(ref reader, column, _keyed[input], ref text, row);
        }

        for (var i = 0; i < cells.Length; i++)
        {
            if (!seen[i])
            {
                if (!_columns[i].Nullable)
                {
                    throw new GristmillException(ErrorCodes.UnknownColumn,
                        $"Row {row}: the field '{_columns[i].Name}' is missing; the model takes {string.Join(", ", _columns.Select(c => $"'{c.Name}'"))}.",
                        "Send every field; only those that are imputed or categories may be left out.").With("column", _columns[i].Name).With("row", Text(row));
                }

                cells[i].Number = double.NaN;
            }
        }
    }

    // Clients send rows in one order: the field after the last one is nearly always the next.
    private int FindInput(ref Utf8JsonReader reader, int expected)
    {
        if (expected < _columns.Length && reader.ValueTextEquals(_columns[expected].Utf8Name))
        {
            return expected;
        }

        for (var i = 0; i < _columns.Length; i++)
        {
            if (i != expected && reader.ValueTextEquals(_columns[i].Utf8Name))
            {
                return i;
            }
        }

        return -1;
    }

    private static Cell ReadCell(scoped ref Utf8JsonReader reader, InputColumn column, bool keyed, scoped ref TextBuffer text, long row)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return new Cell { Number = double.NaN };
        }

        switch (column.Type)
        {
            case ColumnType.Number when reader.TokenType == JsonTokenType.Number:
                return NumberCell(column, reader.GetDouble(), keyed && column.Precision == NumberPrecision.Double && reader.TryGetInt64(out var whole) ? whole : null);
            case ColumnType.Number when reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("NaN"u8):
                return new Cell { Number = double.NaN };
            case ColumnType.Number when reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("Infinity"u8):
                return NumberCell(column, double.PositiveInfinity, null);
            case ColumnType.Number when reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("-Infinity"u8):
                return NumberCell(column, double.NegativeInfinity, null);
            case ColumnType.Boolean when reader.TokenType is JsonTokenType.True or JsonTokenType.False:
                var yes = reader.TokenType == JsonTokenType.True ? 1 : 0;
                return new Cell { Kind = CellKind.Boolean, Number = yes, Key = new NumberKey(yes, false) };
            case ColumnType.Timestamp when reader.TokenType == JsonTokenType.String && TryGetMicros(ref reader, out var micros):
                return new Cell { Kind = CellKind.Timestamp, Number = double.NaN, Key = new NumberKey(micros, false) };
            case ColumnType.String when reader.TokenType == JsonTokenType.String:
                var start = text.Written.Length;
                if (!text.TryAppend(ref reader))
                {
                    throw column.BadValue(row, "the text holds half a surrogate pair", "Send valid Unicode.");
                }

                return new Cell { Kind = CellKind.Text, Number = double.NaN, TextStart = start, TextLength = text.Written.Length - start };
            default:
                throw new GristmillException(ErrorCodes.TypeMismatch, $"Row {row}: the field '{column.Name}' is {Describe(ref reader)}; {Expected(column.Type)}.",
                    "Look at the model's signature for the type of each field.").With("column", column.Name).With("row", Text(row));
        }
    }

    private static Cell NumberCell(InputColumn column, double value, long? whole)
    {
        value = column.Round(value);
        return new Cell { Kind = CellKind.Number, Number = value, Key = whole is { } exact ? new NumberKey(exact, false) : NumberKey.Of(value) };
    }

    private static bool TryGetMicros(ref Utf8JsonReader reader, out long micros)
    {
        // TryGetDateTimeOffset would take the machine's zone where none stands; a table's instants without a zone are UTC.
        var found = reader.TryGetDateTime(out var time);
        if (found && time.Kind == DateTimeKind.Local)
        {
            found = reader.TryGetDateTimeOffset(out var instant);
            time = found ? instant.UtcDateTime : default;
        }

        micros = Math.DivRem(time.Ticks - DateTime.UnixEpoch.Ticks, 10, out var rest) - (rest < 0 ? 1 : 0);
        return found;
    }

    private static string Expected(ColumnType type) => type switch
    {
        ColumnType.Number => "a number is wanted",
        ColumnType.Boolean => "true or false is wanted",
        ColumnType.Timestamp => "an instant such as \"2001-04-01T12:30:00Z\" is wanted",
        _ => "text is wanted",
    };

    private static string Describe(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => $"the text \"{Shorten(ref reader)}\"",
        JsonTokenType.Number => $"the number {Shorten(ref reader)}",
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        JsonTokenType.Null => "null",
        _ => "nothing",
    };

    // Raw bytes, so that no escape and no half surrogate can throw here.
    private static string Shorten(ref Utf8JsonReader reader)
    {
        var value = System.Text.Encoding.UTF8.GetString(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan);
        return value.Length <= MaxTokenInMessage ? value : value[..MaxTokenInMessage] + "...";
    }

    private static string NameOf(ref Utf8JsonReader reader) => Shorten(ref reader);

    private static string Text(long row) => row.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Unescaped text of a row, in a rented buffer.</summary>
    private struct TextBuffer
    {
        private byte[]? _buffer;
        private int _length;

        public readonly ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

        public bool TryAppend(ref Utf8JsonReader reader)
        {
            var most = reader.HasValueSequence ? checked((int)reader.ValueSequence.Length) : reader.ValueSpan.Length;
            if (_buffer is null || most > _buffer.Length - _length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstText, checked((_length + most) * 2)));
                Written.CopyTo(larger);
                var length = _length;
                Dispose();
                (_buffer, _length) = (larger, length);
            }

            if (!reader.HasValueSequence && !reader.ValueIsEscaped)
            {
                reader.ValueSpan.CopyTo(_buffer.AsSpan(_length));
                _length += reader.ValueSpan.Length;
                return true;
            }

            try
            {
                _length += reader.CopyString(_buffer.AsSpan(_length));
                return true;
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }

        public void Dispose()
        {
            if (_buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
                (_buffer, _length) = (null, 0);
            }
        }
    }
}
