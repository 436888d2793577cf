using System.Collections.Immutable;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Gristmill.Hosting;

/// <summary>Makes a host's OpenAPI document say of Gristmill's types what REST sends.</summary>
public static class GristmillOpenApiExtensions
{
    /// <summary>
    /// Describes immutable dictionaries by their values, and floating-point numbers as a number or one of the names of those JSON has no
    /// literal for; without it, the former are described as anything and the latter as objects.
    /// </summary>
    /// <param name="options">The options of <c>AddOpenApi</c>.</param>
    /// <returns>The same options.</returns>
    public static OpenApiOptions AddGristmill(this OpenApiOptions options)
    {
        var inner = options.CreateSchemaReferenceId;
        // Described where they stand: one and the same type holds texts here and JSON of any kind there.
        options.CreateSchemaReferenceId = info => IsMap(info.Type) ? null : inner(info);
        return options.AddSchemaTransformer(static async (schema, context, cancellationToken) =>
        {
            var type = context.JsonTypeInfo.Type;
            if ((Nullable.GetUnderlyingType(type) ?? type) is var number && (number == typeof(double) || number == typeof(float)) && schema.AnyOf is { Count: > 0 })
            {
                schema.Type = null;
            }
            else if (IsMap(type))
            {
                schema.Type = JsonSchemaType.Object | (schema.Type is { } known ? known & JsonSchemaType.Null : 0);
                schema.AdditionalProperties = context.JsonPropertyInfo?.CustomConverter is RawJsonMapConverter
                    ? new OpenApiSchema()
                    : await context.GetOrCreateSchemaAsync(type.GenericTypeArguments[1], cancellationToken: cancellationToken);
            }
        });
    }

    private static bool IsMap(Type type) => type.IsConstructedGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableDictionary<,>);
}
