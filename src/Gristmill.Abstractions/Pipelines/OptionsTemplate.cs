using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>A placeholder in a stage's options: a parameter, or a metric of an earlier stage.</summary>
/// <param name="Parameter">The parameter's name, or null.</param>
/// <param name="Stage">The stage's name, or null.</param>
/// <param name="Metric">The stage's metric, or null.</param>
public sealed record OptionsReference(string? Parameter, string? Stage, string? Metric);

/// <summary>
/// Stage options with placeholders: <c>{"$param":"name"}</c> and <c>{"$value":{"stage":"s","metric":"m"}}</c>. They are
/// found and filled in the JSON tree, so a value is always a literal and never part of a text.
/// </summary>
public static class OptionsTemplate
{
    private const string Param = "$param";
    private const string Value = "$value";
    private const int MaxDepth = 64;

    /// <summary>The placeholders in options.</summary>
    /// <exception cref="FormatException">The options are no JSON object, or a placeholder is malformed; the message says which.</exception>
    public static ImmutableArray<OptionsReference> References(string options)
    {
        if (!options.Contains('$', StringComparison.Ordinal) && IsObject(options))
        {
            return [];
        }

        var found = ImmutableArray.CreateBuilder<OptionsReference>();
        Walk(Parse(options), reference =>
        {
            found.Add(reference);
            return null;
        });
        return found.ToImmutable();
    }

    /// <summary>The options with every placeholder replaced by a literal.</summary>
    /// <param name="options">The options.</param>
    /// <param name="parameters">Parameter values: JSON literals as text.</param>
    /// <param name="metric">Gives a metric by stage and name.</param>
    /// <exception cref="GristmillException">A parameter or metric does not exist, or is not a number JSON can hold.</exception>
    public static string Fill(string options, IReadOnlyDictionary<string, string> parameters, Func<string, string, double> metric)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(metric);
        if (!options.Contains('$', StringComparison.Ordinal))
        {
            return options;
        }

        return Walk(Parse(options), reference => reference.Parameter is { } name
            ? Literal(name, parameters)
            : Number(reference, metric(reference.Stage!, reference.Metric!)))!.ToJsonString();
    }

    private static bool IsObject(string options)
    {
        try
        {
            using var document = JsonDocument.Parse(options, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? true
                : throw new FormatException($"options are a JSON {document.RootElement.ValueKind}, not an object");
        }
        catch (JsonException e)
        {
            throw new FormatException($"options are not JSON: {e.Message}", e);
        }
    }

    private static JsonObject Parse(string options)
    {
        try
        {
            return JsonNode.Parse(options, documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth }) is JsonObject node
                ? node
                : throw new FormatException("options are not a JSON object");
        }
        catch (JsonException e)
        {
            throw new FormatException($"options are not JSON: {e.Message}", e);
        }
    }

    /// <summary>Visits every placeholder; where the visit gives a node, that takes its place.</summary>
    private static JsonNode? Walk(JsonNode? node, Func<OptionsReference, JsonNode?> visit)
    {
        switch (node)
        {
            case JsonObject { Count: 1 } marker when marker.ContainsKey(Param) || marker.ContainsKey(Value):
                return visit(Read(marker)) ?? node;
            case JsonObject map:
                foreach (var (key, child) in map.ToArray())
                {
                    var replacement = Walk(child, visit);
                    if (!ReferenceEquals(replacement, child))
                    {
                        map[key] = replacement;
                    }
                }

                return node;
            case JsonArray list:
                for (var i = 0; i < list.Count; i++)
                {
                    var replacement = Walk(list[i], visit);
                    if (!ReferenceEquals(replacement, list[i]))
                    {
                        list[i] = replacement;
                    }
                }

                return node;
            default:
                return node;
        }
    }

    private static OptionsReference Read(JsonObject marker)
    {
        if (marker.TryGetPropertyValue(Param, out var name))
        {
            return Text(name) is { } parameter
                ? new OptionsReference(parameter, null, null)
                : throw new FormatException($"'{Param}' takes a parameter's name, not {name?.ToJsonString() ?? "null"}");
        }

        return marker[Value] is JsonObject { Count: 2 } value
            && Text(value["stage"]) is { } stage
            && Text(value["metric"]) is { } metric
            ? new OptionsReference(null, stage, metric)
            : throw new FormatException($"'{Value}' takes {{\"stage\":\"name\",\"metric\":\"name\"}}, not {marker[Value]?.ToJsonString() ?? "null"}");
    }

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;

    private static JsonNode? Literal(string name, IReadOnlyDictionary<string, string> parameters) =>
        parameters.TryGetValue(name, out var json)
            ? JsonNode.Parse(json)
            : throw new GristmillException(ErrorCodes.Invalid, $"The options name the parameter '{name}', which the pipeline does not have.");

    private static JsonValue Number(OptionsReference reference, double value) => double.IsFinite(value)
        ? JsonValue.Create(value)
        : throw new GristmillException(
            ErrorCodes.BadValue, $"The metric '{reference.Metric}' of stage '{reference.Stage}' is {value}, which options cannot hold.");
}
