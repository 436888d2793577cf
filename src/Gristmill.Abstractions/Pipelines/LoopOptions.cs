using System.Text.Json;

namespace Gristmill;

/// <summary>Options of <see cref="StageOperations.ForEach"/>.</summary>
public sealed record LoopOptions
{
    /// <summary>A JSON array, or a placeholder for one.</summary>
    public required JsonElement Items { get; init; }

    /// <summary>Items that are under way at once; 0: all.</summary>
    public int Parallelism { get; init; }

    /// <summary>Share of the items, 0 to 1, that may fail without the loop failing.</summary>
    public double AllowFailures { get; init; }

    /// <summary>Reads them.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/></exception>
    public static LoopOptions Parse(string options) => GristmillJson.Deserialize<LoopOptions>(options);

    /// <summary>What is wrong with the options in a spec, or null.</summary>
    public static string? Problem(string? options)
    {
        try
        {
            var parsed = Parse(options ?? "");
            return parsed.Parallelism < 0 ? $"parallelism is {parsed.Parallelism}; 0 (all items at once) and more are possible"
                : parsed.AllowFailures is not (>= 0 and <= 1) ? $"allowFailures is {parsed.AllowFailures}; 0 to 1 are possible"
                : parsed.Items.ValueKind == JsonValueKind.Array ? ItemsProblem(parsed.Items)
                : parsed.Items.ValueKind == JsonValueKind.Object && OptionsTemplate.Reference(parsed.Items.GetRawText()) is { Secret: null, Metric: null, IsIndex: false } ? null
                : $"items are {Short(parsed.Items)}, neither a list nor a placeholder for one";
        }
        catch (GristmillException e)
        {
            return e.Message;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    /// <summary>What is wrong with a list that is to be looped over, or null.</summary>
    public static string? ItemsProblem(JsonElement items)
    {
        if (items.ValueKind != JsonValueKind.Array)
        {
            return $"it loops over {Short(items)}, which is no list";
        }

        if (items.GetArrayLength() is > ValueRef.MaxItems and var count)
        {
            return $"it loops over {count:N0} items, and {ValueRef.MaxItems:N0} are the most";
        }

        var i = 0;
        foreach (var item in items.EnumerateArray())
        {
            if (item.GetRawText().Length > ValueRef.MaxItemBytes)
            {
                return $"item {i} has {item.GetRawText().Length:N0} characters of JSON, and {ValueRef.MaxItemBytes:N0} are the most";
            }

            i++;
        }

        return null;
    }

    private static string Short(JsonElement element)
    {
        var text = element.GetRawText();
        return text.Length <= 60 ? text : text[..57] + "...";
    }
}
