using System.Text.Json;

namespace Gristmill.Display;

/// <summary>Values on a command line: JSON where it is JSON, text otherwise.</summary>
internal static class Literals
{
    /// <summary>5, true, null, "x" and [1] as they are; everything else is text.</summary>
    public static JsonElement Read(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement(text);
        }
    }

    /// <summary>A JSON array, or values divided by commas: a,b.</summary>
    private static JsonElement List(string text, ParameterType item)
    {
        if (Read(text) is { ValueKind: JsonValueKind.Array } list)
        {
            return list;
        }

        var parts = text.Length == 0 ? [] : text.Split(',', StringSplitOptions.TrimEntries);
        return JsonSerializer.SerializeToElement(parts.Select(part =>
            item is ParameterType.String or ParameterType.Date ? JsonSerializer.SerializeToElement(part) : Read(part)));
    }

    /// <summary>A "--param name=value" as the JSON literal that its type wants.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: unknown, or not of its type.</exception>
    public static (string Name, string Json) Parameter(string pair, IReadOnlyCollection<ParameterSpec> known)
    {
        var equals = pair.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{pair}' is not a parameter.", "Write it as --param name=value.");
        }

        var (name, text) = (pair[..equals], pair[(equals + 1)..]);
        var parameter = known.FirstOrDefault(p => p.Name == name)
            ?? throw new GristmillException(ErrorCodes.Invalid, $"There is no parameter '{name}'.",
                known.Count == 0 ? "The pipeline has none." : $"There are: {string.Join(", ", known.Select(p => p.Name))}.");
        var element = parameter.Type is ParameterType.String or ParameterType.Date or ParameterType.Timestamp
            ? JsonSerializer.SerializeToElement(text)
            : ParameterValues.ElementOf(parameter.Type) is { } item ? List(text, item) : Read(text);
        var fits = parameter.Type switch
        {
            ParameterType.Integer => element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out _),
            ParameterType.Number => element.ValueKind == JsonValueKind.Number,
            ParameterType.Boolean => element.ValueKind is JsonValueKind.True or JsonValueKind.False,
            ParameterType.Date => DateOnly.TryParseExact(text, "yyyy-MM-dd", out _),
            ParameterType.Timestamp => element.TryGetDateTimeOffset(out _),
            _ => true,
        };
        if (fits && parameter.Type is not ParameterType.Timestamp && ParameterValues.Problem(parameter, element.GetRawText()) is { } problem)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Parameter '{name}': {problem}.", parameter.Description);
        }

        return fits
            ? (name, element.GetRawText())
            : throw new GristmillException(ErrorCodes.Invalid, $"Parameter '{name}' is '{text}', which is no {parameter.Type.ToString().ToLowerInvariant()}.",
                parameter.Type switch
                {
                    ParameterType.Date => "Write it as 2001-04-01.",
                    ParameterType.Timestamp => "Write it as 2001-04-01T00:00:00Z.",
                    _ => null,
                });
    }
}
