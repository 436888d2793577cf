using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>For a map whose values are strings that hold JSON: on the wire they are that JSON. Keys are written sorted.</summary>
public sealed class RawJsonMapConverter : JsonConverter<ImmutableDictionary<string, string>>
{
    /// <inheritdoc/>
    public override ImmutableDictionary<string, string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("An object is expected.");
        }

        var map = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (!map.TryAdd(name, RawJsonConverter.Compact(ref reader)))
            {
                throw new JsonException($"'{name}' is given twice.");
            }
        }

        return map.ToImmutable();
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ImmutableDictionary<string, string> value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(value);
        writer.WriteStartObject();
        foreach (var (name, json) in value.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            writer.WritePropertyName(name);
            RawJsonConverter.WriteRaw(writer, json);
        }

        writer.WriteEndObject();
    }
}
