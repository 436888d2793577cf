using System.Text.Json;

namespace Gristmill.Hosting;

/// <summary>
/// Walks the rows of a JSON prediction request in any of its shapes: {"rows":[...]}, [...], or one row {...}. After
/// <see cref="MoveNext"/> the reader stands on a row's opening brace; whoever reads the row leaves it on the closing one.
/// </summary>
internal ref struct JsonRowCursor
{
    /// <summary>The reader, to read a row with.</summary>
    public Utf8JsonReader Json;

    private bool _started;
    private bool _done;
    private bool _wrapped;
    private int _row;

    public JsonRowCursor(ReadOnlySpan<byte> json) => Json = new Utf8JsonReader(json);

    /// <summary>The request is one bare row.</summary>
    public bool IsOnly { get; private set; }

    /// <summary>Goes to the next row.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is JSON of another shape.</exception>
    public bool MoveNext()
    {
        if (!_started)
        {
            _started = true;
            if (Start())
            {
                return true;
            }
        }

        if (_done || IsOnly)
        {
            return false;
        }

        if (!Json.Read())
        {
            throw Shape();
        }

        if (Json.TokenType == JsonTokenType.EndArray)
        {
            _done = true;
            if (_wrapped && (!Json.Read() || Json.TokenType != JsonTokenType.EndObject))
            {
                throw Shape();
            }

            Finish();
            return false;
        }

        if (Json.TokenType != JsonTokenType.StartObject)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Row {_row} is a JSON {Json.TokenType.ToString().ToLowerInvariant()}.", "A row is an object of column values.");
        }

        _row++;
        return true;
    }

    /// <summary>Checks that nothing follows.</summary>
    public void Finish()
    {
        if (Json.Read())
        {
            throw Shape();
        }
    }

    private bool Start()
    {
        if (!Json.Read())
        {
            throw Shape();
        }

        if (Json.TokenType == JsonTokenType.StartArray)
        {
            return false;
        }

        if (Json.TokenType != JsonTokenType.StartObject)
        {
            throw Shape();
        }

        var peek = Json;
        if (peek.Read() && peek.TokenType == JsonTokenType.PropertyName && peek.ValueTextEquals("rows"u8) && peek.Read() && peek.TokenType == JsonTokenType.StartArray)
        {
            Json = peek;
            _wrapped = true;
            return false;
        }

        IsOnly = true;
        return true;
    }

    private static GristmillException Shape() =>
        new(ErrorCodes.Invalid, "The body is not a list of rows.", "Send {\"rows\":[{...}]}, a bare array of rows, or one row.");
}
