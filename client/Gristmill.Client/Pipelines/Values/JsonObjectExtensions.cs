using System.Text.Json.Nodes;

namespace Gristmill;

internal static class JsonObjectExtensions
{
    /// <summary>Sets a member unless the value is null: absent means the operation's default.</summary>
    public static JsonObject Set(this JsonObject json, string name, JsonNode? value)
    {
        if (value is not null)
        {
            json[name] = value;
        }

        return json;
    }

    public static JsonObject Set<T>(this JsonObject json, string name, Value<T>? value) => json.Set(name, value?.ToNode());

    public static JsonObject Set(this JsonObject json, string name, IReadOnlyCollection<string>? values) =>
        values is { Count: > 0 } ? json.Set(name, new JsonArray([.. values.Select(v => (JsonNode)v)])) : json;
}
