using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Gristmill;

/// <summary>Checks parameter values and fills in defaults.</summary>
public static class ParameterValues
{
    /// <summary>The values a run uses: the given ones checked, defaults for the rest.</summary>
    /// <param name="spec">The pipeline.</param>
    /// <param name="given">Values by name, JSON literals as text.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, naming every problem at once.</exception>
    public static ImmutableDictionary<string, string> Resolve(PipelineSpec spec, IReadOnlyDictionary<string, string> given)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(given);
        var values = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        var problems = new List<string>();
        foreach (var parameter in spec.Parameters.IsDefault ? [] : spec.Parameters)
        {
            if ((given.TryGetValue(parameter.Name, out var value) ? value : parameter.Default) is not { } json)
            {
                problems.Add($"parameter '{parameter.Name}' ({Name(parameter.Type)}) has no default and was not given");
            }
            else if (Problem(parameter, json) is { } problem)
            {
                problems.Add($"parameter '{parameter.Name}': {problem}");
            }
            else
            {
                values[parameter.Name] = json;
            }
        }

        var known = (spec.Parameters.IsDefault ? [] : spec.Parameters).Select(static p => p.Name).ToHashSet(StringComparer.Ordinal);
        problems.AddRange(given.Keys.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal).Select(name =>
            $"there is no parameter '{name}'; " + (known.Count == 0 ? "the pipeline has none" : $"known: {string.Join(", ", known)}")));
        return problems.Count == 0
            ? values.ToImmutable()
            : throw new GristmillException(
                ErrorCodes.Invalid,
                $"The parameters do not fit pipeline '{spec.Name}': {string.Join("; ", problems)}.",
                "Give each value in its type, such as 5, true, \"text\", \"2001-04-01\".").With("problems", string.Join('\n', problems));
    }

    /// <summary>What is wrong with a value, or null: its type, its range, or that it is none of the choices.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="json">The value as a JSON literal.</param>
    public static string? Problem(ParameterSpec parameter, string json)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return Problem(parameter.Type, json) ?? ParameterRange.Problem(parameter, json);
    }

    /// <summary>What is wrong with a value's type, or null.</summary>
    /// <param name="type">The type it should have.</param>
    /// <param name="json">The value as a JSON literal.</param>
    public static string? Problem(ParameterType type, string json)
    {
        JsonElement value;
        try
        {
            using var document = JsonDocument.Parse(json);
            value = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return $"{json} is not a JSON literal (text needs quotes)";
        }

        return Fits(type, value) ? null : $"{(json.Length <= 200 ? json : json[..197] + "...")} is not {Expected(type)}";
    }

    private static bool Fits(ParameterType type, JsonElement value)
    {
        if (ElementOf(type) is { } element)
        {
            return value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= ValueRef.MaxItems && value.EnumerateArray().All(item => Fits(element, item));
        }

        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : null;
        return type switch
        {
            ParameterType.String => text is not null,
            ParameterType.Integer => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
            ParameterType.Number => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number),
            ParameterType.Boolean => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            ParameterType.Date => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
            ParameterType.Timestamp => IsTimestamp(text),
            _ => false,
        };
    }

    /// <summary>The type of a list's elements, or null if it is no list.</summary>
    public static ParameterType? ElementOf(ParameterType type) => type switch
    {
        ParameterType.StringList => ParameterType.String,
        ParameterType.IntegerList => ParameterType.Integer,
        ParameterType.NumberList => ParameterType.Number,
        ParameterType.DateList => ParameterType.Date,
        _ => null,
    };

    /// <summary>ISO 8601 with an offset: without one, the instant would depend on the machine that reads it.</summary>
    private static bool IsTimestamp(string? text) =>
        text is { Length: >= 17 }
        && text[4] == '-'
        && text[10] is 'T' or 't' or ' '
        && (text[^1] is 'Z' or 'z' || text.AsSpan(16).IndexOfAny('+', '-') >= 0)
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static string Name(ParameterType type) => type.ToString().ToLowerInvariant();

    private static string Expected(ParameterType type) => type switch
    {
        ParameterType.String => "a string (\"text\")",
        ParameterType.Integer => "an integer of 64 bits",
        ParameterType.Number => "a number",
        ParameterType.Boolean => "true or false",
        ParameterType.Date => "a date (\"yyyy-MM-dd\")",
        ParameterType.Timestamp => "a timestamp (ISO 8601 with offset, such as \"2001-04-01T00:00:00Z\")",
        ParameterType.StringList => "a list of strings ([\"a\",\"b\"])",
        ParameterType.IntegerList => "a list of integers of 64 bits ([1,2])",
        ParameterType.NumberList => "a list of numbers ([0.5,1])",
        ParameterType.DateList => "a list of dates ([\"2001-04-01\"])",
        _ => "of a known type",
    };
}
