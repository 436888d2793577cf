using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>
/// Stage options with placeholders: <c>{"$param":"name"}</c>, <c>{"$value":{"stage":"s","metric":"m"}}</c> or with
/// "output" in place of "metric", <c>{"$item":"loop"}</c> or <c>{"$item":{"loop":"l","path":"member"}}</c>, <c>{"$index":"loop"}</c>
/// and <c>{"$secret":"name"}</c>. They are found and filled in the JSON tree, so a value is always a literal and never part
/// of a text.
/// </summary>
public static class OptionsTemplate
{
    private const string Param = "$param";
    private const string Value = "$value";
    private const string Item = "$item";
    private const string Index = "$index";
    private const string Secret = "$secret";
    private const int MaxDepth = 64;

    /// <summary>The placeholders in options.</summary>
    /// <exception cref="FormatException">The options are no JSON object, or a placeholder is malformed; the message says which.</exception>
    public static ImmutableArray<OptionsReference> References(string options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!options.Contains('$', StringComparison.Ordinal) && IsObject(options))
        {
            return [];
        }

        var found = ImmutableArray.CreateBuilder<OptionsReference>();
        Walk(Parse(options), (OptionsReference reference, out JsonNode? _) =>
        {
            found.Add(reference);
            _ = null;
            return false;
        });
        return found.ToImmutable();
    }

    /// <summary>The placeholder that a JSON value is, or null if it is a literal.</summary>
    /// <exception cref="FormatException">It is a malformed placeholder.</exception>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static OptionsReference? Reference(string json) =>
        JsonNode.Parse(json, documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth }) is JsonObject marker && IsMarker(marker) ? Read(marker) : null;

    /// <summary>Whether a value stands for one that is not known yet, well formed or not.</summary>
    public static bool IsPlaceholder(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.GetPropertyCount() == 1 && value.EnumerateObject().First().Name is Param or Value or Item or Index or Secret;

    /// <summary>The options with placeholders replaced by literals.</summary>
    /// <param name="options">The options.</param>
    /// <param name="fill">Gives the literal of a placeholder, or says that it stays.</param>
    public static string Fill(string options, OptionsFill fill)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(fill);
        return options.Contains('$', StringComparison.Ordinal) ? Walk(Parse(options), fill)!.ToJsonString() : options;
    }

    /// <summary>A parameter's literal.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: there is no such parameter.</exception>
    public static JsonNode? Literal(string name, IReadOnlyDictionary<string, string> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return parameters.TryGetValue(name, out var json)
            ? JsonNode.Parse(json)
            : throw new GristmillException(ErrorCodes.Invalid, $"The options name the parameter '{name}', which the pipeline does not have.");
    }

    /// <summary>A measured number as a literal.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.BadValue"/>: JSON has no literal for it.</exception>
    public static JsonNode Number(OptionsReference reference, double value)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return double.IsFinite(value)
            ? JsonValue.Create(value)
            : throw new GristmillException(
                ErrorCodes.BadValue, $"The metric '{reference.Metric}' of stage '{reference.Stage}' is {value}, which options cannot hold.");
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

    private static bool IsMarker(JsonObject node) =>
        node.Count == 1 && node.First().Key is Param or Value or Item or Index or Secret;

    /// <summary>Visits every placeholder; where the visit gives a node, that takes its place.</summary>
    private static JsonNode? Walk(JsonNode? node, OptionsFill visit)
    {
        switch (node)
        {
            case JsonObject marker when IsMarker(marker):
                return visit(Read(marker), out var literal) ? literal : node;
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
        var (kind, node) = marker.First();
        switch (kind)
        {
            case Param when Text(node) is { } parameter:
                return new OptionsReference(parameter);
            case Value when node is JsonObject { Count: 2 } value && Text(value["stage"]) is { } stage:
                if (Text(value["metric"]) is { } metric)
                {
                    return new OptionsReference(null, stage, metric);
                }

                if (Text(value["output"]) is { } output)
                {
                    return new OptionsReference(null, stage) { Output = output };
                }

                break;
            case Item when Text(node) is { } loop:
                return new OptionsReference { Loop = loop };
            case Item when node is JsonObject { Count: 2 } item && Text(item["loop"]) is { } loop && Text(item["path"]) is { } path:
                return new OptionsReference { Loop = loop, Path = path };
            case Index when Text(node) is { } loop:
                return new OptionsReference { Loop = loop, IsIndex = true };
            case Secret when Text(node) is { } secret:
                return new OptionsReference { Secret = secret };
        }

        throw new FormatException($"'{kind}' takes {Shape(kind)}, not {node?.ToJsonString() ?? "null"}");
    }

    private static string Shape(string kind) => kind switch
    {
        Param => "a parameter's name",
        Value => "{\"stage\":\"name\",\"metric\":\"name\"} or {\"stage\":\"name\",\"output\":\"name\"}",
        Item => "a loop's name or {\"loop\":\"name\",\"path\":\"member\"}",
        Index => "a loop's name",
        _ => "a secret's name",
    };

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;
}

/// <summary>Gives the literal that takes a placeholder's place.</summary>
/// <param name="reference">The placeholder.</param>
/// <param name="literal">The literal, null for JSON's null.</param>
/// <returns>False: the placeholder stays.</returns>
public delegate bool OptionsFill(OptionsReference reference, out JsonNode? literal);
