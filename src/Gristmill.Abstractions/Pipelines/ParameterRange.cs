using System.Globalization;
using System.Text.Json;

namespace Gristmill;

/// <summary>Least and greatest values and choices of parameters.</summary>
public static class ParameterRange
{
    /// <summary>What is wrong with the range itself, or null.</summary>
    public static string? DefinitionProblem(ParameterSpec parameter)
    {
        var type = ParameterValues.ElementOf(parameter.Type) ?? parameter.Type;
        if ((parameter.Min ?? parameter.Max) is not null && type is ParameterType.String or ParameterType.Boolean)
        {
            return $"a {type.ToString().ToLowerInvariant()} has no least or greatest value; give it choices";
        }

        foreach (var (name, bound) in new[] { ("min", parameter.Min), ("max", parameter.Max) })
        {
            if (bound is not null && ParameterValues.Problem(type, bound) is { } problem)
            {
                return $"its {name} {problem}";
            }
        }

        if (parameter.Min is { } min && parameter.Max is { } max && Compare(type, min, max) > 0)
        {
            return $"its min {min} is above its max {max}";
        }

        return parameter.Choices is { } choices ? ChoicesProblem(type, choices) : null;
    }

    /// <summary>What is wrong with a value of the right type, or null.</summary>
    public static string? Problem(ParameterSpec parameter, string json)
    {
        if (ParameterValues.ElementOf(parameter.Type) is not { } element)
        {
            return Problem(parameter, parameter.Type, json);
        }

        using var list = JsonDocument.Parse(json);
        return list.RootElement.EnumerateArray().Select(item => Problem(parameter, element, item.GetRawText())).FirstOrDefault(static problem => problem is not null);
    }

    private static string? Problem(ParameterSpec parameter, ParameterType type, string json)
    {
        if (parameter.Choices is { } choices)
        {
            using var allowed = JsonDocument.Parse(choices);
            using var value = JsonDocument.Parse(json);
            if (!allowed.RootElement.EnumerateArray().Any(choice => Same(type, choice.GetRawText(), json)))
            {
                return $"{json} is not one of {choices}";
            }
        }

        return (parameter.Min is { } min && Compare(type, json, min) < 0) || (parameter.Max is { } max && Compare(type, json, max) > 0)
            ? $"{json} is not {Range(parameter)}"
            : null;
    }

    private static string Range(ParameterSpec parameter) => (parameter.Min, parameter.Max) switch
    {
        ({ } min, { } max) => $"from {min} to {max}",
        ({ } min, _) => $"{min} or more",
        _ => $"{parameter.Max} or less",
    };

    private static string? ChoicesProblem(ParameterType type, string choices)
    {
        try
        {
            using var list = JsonDocument.Parse(choices);
            if (list.RootElement.ValueKind != JsonValueKind.Array || list.RootElement.GetArrayLength() is 0 or > 1000)
            {
                return $"its choices {choices} are no list of 1 to 1,000 values";
            }

            return list.RootElement.EnumerateArray().Select(choice => ParameterValues.Problem(type, choice.GetRawText())).FirstOrDefault(static p => p is not null) is { } problem
                ? $"of its choices {problem}"
                : null;
        }
        catch (JsonException)
        {
            return $"its choices {choices} are not JSON";
        }
    }

    private static bool Same(ParameterType type, string left, string right) =>
        type is ParameterType.String or ParameterType.Boolean ? Text(left) == Text(right) : Compare(type, left, right) == 0;

    private static int Compare(ParameterType type, string left, string right) => type switch
    {
        ParameterType.Integer => long.Parse(left, CultureInfo.InvariantCulture).CompareTo(long.Parse(right, CultureInfo.InvariantCulture)),
        ParameterType.Number => double.Parse(left, CultureInfo.InvariantCulture).CompareTo(double.Parse(right, CultureInfo.InvariantCulture)),
        ParameterType.Timestamp => DateTimeOffset.Parse(Text(left), CultureInfo.InvariantCulture).CompareTo(DateTimeOffset.Parse(Text(right), CultureInfo.InvariantCulture)),
        _ => string.CompareOrdinal(Text(left), Text(right)),
    };

    private static string Text(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind == JsonValueKind.String ? document.RootElement.GetString()! : document.RootElement.GetRawText();
    }
}
