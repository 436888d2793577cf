using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>For a string that holds JSON: on the wire it is that JSON, not a quoted text of it.</summary>
public sealed class RawJsonConverter : JsonConverter<string>
{
    /// <inheritdoc/>
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Compact(ref reader);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => WriteRaw(writer, value);

    /// <summary>The next value without white space.</summary>
    internal static string Compact(ref Utf8JsonReader reader)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return JsonSerializer.Serialize(document.RootElement, Compacting);
    }

    internal static void WriteRaw(Utf8JsonWriter writer, string json)
    {
        // Through a document, not WriteRawValue: malformed text throws here, and an indenting writer indents.
        using var document = JsonDocument.Parse(json);
        document.RootElement.WriteTo(writer);
    }

    private static readonly JsonSerializerOptions Compacting = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
