using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gristmill.Engines;

/// <summary>How stage options, manifests and fitted transforms are written as JSON: camelCase, enums as names, unknown members refused.</summary>
public static class StageJson
{
    /// <summary>The options.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };
}
