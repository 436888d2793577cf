using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.OpenApi;

namespace Gristmill.Hosting;

/// <summary>A value that an address takes behind its question mark: read by <see cref="QueryValues"/>, described in the OpenAPI document.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it does, and its default.</param>
internal sealed record QueryParameter(string Name, string Description)
{
    /// <summary>The least it may be, for a whole number; null: it is a text.</summary>
    public long? Least { get; init; }
    /// <summary>The most it may be.</summary>
    public long? Most { get; init; }

    /// <summary>A whole number in a range, both ends included.</summary>
    public static QueryParameter Number(string name, long least, long most, string description) => new(name, description) { Least = least, Most = most };

    public OpenApiParameter Describe() => new()
    {
        Name = Name,
        In = ParameterLocation.Query,
        Description = Description,
        Schema = Least is null
            ? new OpenApiSchema { Type = JsonSchemaType.String }
            : new OpenApiSchema
            {
                Type = JsonSchemaType.Integer,
                Format = "int64",
                Minimum = Least.Value.ToString(CultureInfo.InvariantCulture),
                Maximum = Most == long.MaxValue ? null : Most?.ToString(CultureInfo.InvariantCulture),
            },
    };
}

internal static class QueryParameterExtensions
{
    /// <summary>Describes what an address takes behind its question mark.</summary>
    public static RouteHandlerBuilder WithQuery(this RouteHandlerBuilder endpoint, IReadOnlyList<QueryParameter> parameters) =>
        endpoint.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.Parameters ??= [];
            foreach (var parameter in parameters)
            {
                operation.Parameters.Add(parameter.Describe());
            }

            return Task.CompletedTask;
        });
}
