using System.Globalization;
using System.Text.Json;

namespace Gristmill;

/// <summary>What a condition compares: a number or a text.</summary>
public sealed record ConditionOperand
{
    private ConditionOperand(double? number, string? text)
    {
        Number = number;
        Text = text;
    }

    /// <summary>The number, or null. True is 1, false is 0.</summary>
    public double? Number { get; }

    /// <summary>The text, or null.</summary>
    public string? Text { get; }

    /// <summary>A number.</summary>
    public static ConditionOperand Of(double number) => new(number, null);

    /// <summary>A JSON literal.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is neither text nor number nor truth value.</exception>
    public static ConditionOperand Of(JsonElement literal) => TryOf(literal) ?? throw new GristmillException(
        ErrorCodes.Invalid, $"A condition cannot compare {Short(literal)}, a JSON {literal.ValueKind}.", "Compare text, a number, true or false.");

    /// <summary>A JSON literal, or null if it is neither text nor number nor truth value.</summary>
    public static ConditionOperand? TryOf(JsonElement literal) => literal.ValueKind switch
    {
        JsonValueKind.Number when literal.TryGetDouble(out var number) => new ConditionOperand(number, null),
        JsonValueKind.True => new ConditionOperand(1, null),
        JsonValueKind.False => new ConditionOperand(0, null),
        JsonValueKind.String => new ConditionOperand(null, literal.GetString()),
        _ => null,
    };

    /// <inheritdoc/>
    public override string ToString() => Number?.ToString(CultureInfo.InvariantCulture) ?? (Text!.Length <= 60 ? $"\"{Text}\"" : $"\"{Text[..57]}...\"");

    private static string Short(JsonElement element)
    {
        var text = element.GetRawText();
        return text.Length <= 60 ? text : text[..57] + "...";
    }
}
