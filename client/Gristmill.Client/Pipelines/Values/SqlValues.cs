using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>Values bound to a query: JSON has no dates, so they say what they are.</summary>
internal static class SqlValues
{
    public static JsonNode? Typed(Type type, JsonNode? node) =>
        type == typeof(DateOnly) ? new JsonObject { ["$date"] = node }
        : type == typeof(DateTime) || type == typeof(DateTimeOffset) ? new JsonObject { ["$timestamp"] = node }
        : node;

    /// <summary>A literal, or null if the type cannot be bound.</summary>
    public static bool TryLiteral(object? value, out JsonNode? node)
    {
        node = value switch
        {
            null => null,
            string or bool or sbyte or byte or short or ushort or int or uint or long or ulong or float or double or decimal or Guid =>
                JsonSerializer.SerializeToNode(value, value.GetType(), GristmillJson.Options),
            Enum e => e.ToString(),
            DateOnly or DateTime or DateTimeOffset =>
                Typed(value.GetType(), JsonSerializer.SerializeToNode(value, value.GetType(), GristmillJson.Options)),
            _ => null,
        };
        return node is not null || value is null;
    }
}
