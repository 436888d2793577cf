using System.Text.Json;

namespace Gristmill;

/// <summary>The value of a condition: a number, true or false (1 or 0), or a parameter that holds one.</summary>
public static class ConditionValue
{
    /// <summary>What is wrong with a value's text, or null.</summary>
    public static string? Problem(string? value)
    {
        if (value is null || Parse(value) is not { } element)
        {
            return $"'{value}' is not JSON";
        }

        return Parameter(value) is not null || Number(element) is not null ? null : $"{value} is neither a number, true, false nor a parameter";
    }

    /// <summary>The parameter it stands for, or null.</summary>
    public static string? Parameter(string value) =>
        Parse(value) is { ValueKind: JsonValueKind.Object } element
        && element.EnumerateObject().Count() == 1
        && element.TryGetProperty("$param", out var name)
        && name.ValueKind == JsonValueKind.String
            ? name.GetString()
            : null;

    /// <summary>Whether a metric meets a condition. A NaN meets none but <c>!=</c>.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the parameter is missing or no number.</exception>
    public static bool Holds(ConditionSpec condition, double metric, IReadOnlyDictionary<string, string> parameters)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(parameters);
        var json = Parameter(condition.Value) is { } name
            ? parameters.GetValueOrDefault(name) ?? throw new GristmillException(ErrorCodes.Invalid, $"The condition names the parameter '{name}', which the pipeline does not have.")
            : condition.Value;
        if (Parse(json) is not { } element || Number(element) is not { } limit)
        {
            throw new GristmillException(
                ErrorCodes.Invalid, $"The condition compares '{condition.Metric}' of stage '{condition.Stage}' with {json}, which is not a number.");
        }

        return condition.Operator switch
        {
            ">" => metric > limit,
            ">=" => metric >= limit,
            "<" => metric < limit,
            "<=" => metric <= limit,
            "==" => metric == limit,
            "!=" => metric != limit,
            _ => throw new GristmillException(ErrorCodes.Invalid, $"'{condition.Operator}' is not an operator."),
        };
    }

    private static JsonElement? Parse(string value)
    {
        try
        {
            using var document = JsonDocument.Parse(value);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static double? Number(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Number when element.TryGetDouble(out var number) => number,
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        _ => null,
    };
}
