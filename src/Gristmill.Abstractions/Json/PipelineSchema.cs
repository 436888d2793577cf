using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;

namespace Gristmill;

/// <summary>The JSON schema (draft 2020-12) of a pipeline's spec, made from the types that read it.</summary>
public static class PipelineSchema
{
    private static readonly JsonSerializerOptions s_indented = new(GristmillJson.Options) { WriteIndented = true };

    /// <summary>The schema as indented JSON.</summary>
    public static string Text { get; } = Create().ToJsonString(s_indented);

    private static JsonObject Create()
    {
        var schema = (JsonObject)GristmillJson.Options.GetJsonSchemaAsNode(typeof(PipelineSpec), new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = Complete,
        });
        return new JsonObject([
            KeyValuePair.Create<string, JsonNode?>("$schema", "https://json-schema.org/draft/2020-12/schema"),
            KeyValuePair.Create<string, JsonNode?>("title", "Gristmill pipeline"),
            .. schema.ToArray().Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone())),
        ]);
    }

    /// <summary>What the exporter cannot see: converters write literals as plain JSON, and sort maps.</summary>
    private static JsonNode Complete(JsonSchemaExporterContext context, JsonNode schema)
    {
        if (context.PropertyInfo?.CustomConverter is RawJsonConverter || context.PropertyInfo?.AttributeProvider?.IsDefined(typeof(System.Text.Json.Serialization.JsonConverterAttribute), inherit: false) == true)
        {
            return new JsonObject { ["description"] = "Any JSON." };
        }

        var map = context.TypeInfo.Type.GetInterfaces().Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
            .Select(i => i.GenericTypeArguments[1]).FirstOrDefault();
        return map is null || schema is JsonObject { Count: > 0 } ? schema : new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = GristmillJson.Options.GetJsonSchemaAsNode(map, new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Complete }),
        };
    }
}
