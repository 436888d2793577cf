using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gristmill;

/// <summary>
/// Values of an event as parameters of a run. A parameter's text that is a placeholder as a whole stands for a value, whatever
/// that holds: values are never put into longer texts. A partition of two dimensions has two such texts. There are, for every trigger, <c>{{scheduled}}</c> (an instant),
/// <c>{{scheduled.date}}</c> and <c>{{firing}}</c>; for files <c>{{file}}</c> (the path), <c>{{file.name}}</c>, <c>{{file.size}}</c> and
/// <c>{{file.modified}}</c>; for objects <c>{{object.url}}</c>, <c>{{object.etag}}</c>, <c>{{object.size}}</c> and <c>{{object.modified}}</c>,
/// null where the server does not tell; for runs <c>{{run}}</c> (the id), <c>{{run.pipeline}}</c> and <c>{{run.status}}</c>; for metrics these and
/// <c>{{metric}}</c>; for webhooks and streams <c>{{id}}</c>, <c>{{body}}</c> and paths in it such as <c>{{body.items[0].name}}</c>.
/// </summary>
public static partial class TriggerTemplate
{
    /// <summary>The instant a firing is for.</summary>
    public const string Scheduled = "scheduled";
    /// <summary>The day of that instant in the trigger's time zone.</summary>
    public const string ScheduledDate = "scheduled.date";
    /// <summary>The firing's id.</summary>
    public const string Firing = "firing";
    /// <summary>The path of a file.</summary>
    public const string File = "file";
    /// <summary>The address of an object, without what a secret adds to it.</summary>
    public const string ObjectUrl = "object.url";
    /// <summary>The server's tag of an object's content, without quotes; null if it gives none.</summary>
    public const string ObjectETag = "object.etag";
    /// <summary>The id of a run.</summary>
    public const string Run = "run";
    /// <summary>The value of a metric.</summary>
    public const string Metric = "metric";
    /// <summary>The sender's id of a message.</summary>
    public const string Id = "id";
    /// <summary>The body of a message.</summary>
    public const string Body = "body";

    private const int MaxBodyDepth = 32;

    private static readonly string[] Always = [Scheduled, ScheduledDate, Firing];
    private static readonly string[] OfFiles = [File, "file.name", "file.stem", "file.size", "file.modified"];
    private static readonly string[] OfObjects = [ObjectUrl, ObjectETag, "object.size", "object.modified"];
    private static readonly string[] OfRuns = [Run, "run.pipeline", "run.status"];

    /// <summary>The placeholder that a JSON literal is, or null if it is a plain value.</summary>
    /// <exception cref="FormatException">It holds braces without being a placeholder as a whole.</exception>
    public static string? Placeholder(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (!json.Contains("{{", StringComparison.Ordinal) && !json.Contains("}}", StringComparison.Ordinal))
        {
            return null;
        }

        using var document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        var text = document.RootElement.GetString()!;
        var match = Whole().Match(text);
        return match.Success
            ? match.Groups[1].Value
            : throw new FormatException($"{json} has a placeholder inside a longer text; a placeholder is a value of its own, such as \"{{{{scheduled}}}}\"");
    }

    /// <summary>What is wrong with a placeholder in a trigger, or null.</summary>
    public static string? Problem(TriggerSpec spec, string placeholder)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(placeholder);
        var known = Known(spec);
        return known.Contains(placeholder) || (known.Contains(Body) && BodyPath(placeholder) is not null)
            ? null
            : $"there is no value {{{{{placeholder}}}}} here; known: {string.Join(", ", known.Select(static name => $"{{{{{name}}}}}"))}";
    }

    /// <summary>The placeholders that a trigger's parameters and partition use.</summary>
    public static IEnumerable<string> Used(TriggerSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec.Parameters.Values.Concat(PartitionParts(spec)).Select(Placeholder).OfType<string>().Distinct(StringComparer.Ordinal);
    }

    /// <summary>A trigger's partition by dimension, JSON literals as text: each is a placeholder as a whole, or none. Empty if it names no partition.</summary>
    public static IReadOnlyList<string> PartitionParts(TriggerSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec.Partition is { } partition ? [.. BetweenParts().Split(partition).Select(static part => JsonSerializer.Serialize(part, GristmillJson.Options))] : [];
    }

    /// <summary>The parameters with every placeholder replaced by its value.</summary>
    /// <param name="parameters">JSON literals as text.</param>
    /// <param name="values">Values by placeholder, JSON literals as text.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the event has no such value.</exception>
    public static ImmutableDictionary<string, string> Fill(ImmutableDictionary<string, string> parameters, IReadOnlyDictionary<string, string> values)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(values);
        var filled = parameters;
        foreach (var (name, json) in parameters)
        {
            if (Placeholder(json) is { } placeholder)
            {
                filled = filled.SetItem(name, Value(placeholder, values, $"parameter '{name}'"));
            }
        }

        return filled;
    }

    /// <summary>A value by its placeholder.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the event has no such value.</exception>
    public static string Value(string placeholder, IReadOnlyDictionary<string, string> values, string what)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.TryGetValue(placeholder, out var value)
            ? value
            : throw new GristmillException(ErrorCodes.Invalid, $"The event has no value {{{{{placeholder}}}}} for {what}.",
                "Send it, or give the value when firing by hand.");
    }

    /// <summary>The values that placeholders find in a body; those that find nothing are left out.</summary>
    public static ImmutableDictionary<string, string> FromBody(IEnumerable<string> placeholders, JsonElement body)
    {
        ArgumentNullException.ThrowIfNull(placeholders);
        var values = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var placeholder in placeholders)
        {
            if (BodyPath(placeholder) is { } path && Find(body, path) is { } value)
            {
                values[placeholder] = value.GetRawText();
            }
        }

        return values.ToImmutable();
    }

    private static string[] Known(TriggerSpec spec) =>
        spec.File is not null ? [.. Always, .. OfFiles]
        : spec.Object is not null ? [.. Always, .. OfObjects]
        : spec.After is not null ? [.. Always, .. OfRuns]
        : spec.Metric is not null ? [.. Always, .. OfRuns, Metric]
        : spec.Webhook is not null || spec.Stream is not null ? [.. Always, Id, Body]
        : Always;

    /// <summary>The steps of a path into the body: names, and indexes as numbers; null if it is none.</summary>
    private static List<object>? BodyPath(string placeholder)
    {
        if (!placeholder.StartsWith(Body, StringComparison.Ordinal))
        {
            return null;
        }

        var steps = new List<object>();
        var at = Body.Length;
        while (at < placeholder.Length)
        {
            var match = Step().Match(placeholder, at);
            if (!match.Success || steps.Count == MaxBodyDepth)
            {
                return null;
            }

            steps.Add(match.Groups["index"] is { Success: true } index && int.TryParse(index.Value, CultureInfo.InvariantCulture, out var number)
                ? number
                : match.Groups["name"] is { Success: true } name ? name.Value : match.Groups["quoted"].Value);
            at += match.Length;
        }

        return steps;
    }

    private static JsonElement? Find(JsonElement body, List<object> steps)
    {
        foreach (var step in steps)
        {
            if (step is int index && body.ValueKind == JsonValueKind.Array && index < body.GetArrayLength())
            {
                body = body[index];
            }
            else if (step is string name && body.ValueKind == JsonValueKind.Object && body.TryGetProperty(name, out var member))
            {
                body = member;
            }
            else
            {
                return null;
            }
        }

        return body;
    }

    [GeneratedRegex(@"\A\{\{\s*([^{}\s][^{}]*?)\s*\}\}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Whole();

    /// <summary>A slash, but not one in a placeholder: a path into a body may have some.</summary>
    [GeneratedRegex(@"/(?![^{}]*\}\})", RegexOptions.CultureInvariant)]
    private static partial Regex BetweenParts();

    [GeneratedRegex(@"\G(?:\.(?<name>[^.\[\]'""{}\s]+)|\[(?<index>[0-9]{1,9})\]|\['(?<quoted>[^']+)'\])", RegexOptions.CultureInvariant)]
    private static partial Regex Step();
}
