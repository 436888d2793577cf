using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>A value that a stage returned. Small ones travel with it; a larger one stays with its stage, which is asked for it.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.ValueRef")]
public sealed record ValueRef
{
    /// <summary>Bytes of JSON up to which a value travels with its reference.</summary>
    public const int InlineBytes = 4 << 10;

    /// <summary>Bytes of JSON that a value may have: what is larger is data, and belongs in a table or a file.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>Elements that a list may have.</summary>
    public const int MaxItems = 10_000;

    /// <summary>Bytes of JSON that an element of a list that is looped over may have.</summary>
    public const int MaxItemBytes = 16 << 10;

    /// <summary>The value as JSON, or null where it is not here.</summary>
    [Id(0), JsonConverter(typeof(RawJsonConverter))] public string? Json { get; init; }
    /// <summary>Bytes of its JSON in UTF-8.</summary>
    [Id(1)] public int Bytes { get; init; }
    /// <summary>Elements, if it is a list.</summary>
    [Id(2)] public int? Count { get; init; }
    /// <summary>The stage that has it, once it is not here.</summary>
    [Id(3)] public string? Stage { get; init; }
    /// <summary>That stage's output.</summary>
    [Id(4)] public string? Output { get; init; }

    /// <summary>A value.</summary>
    /// <param name="json">It as JSON.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.BadValue"/>: too large, or a list of too many elements.</exception>
    public static ValueRef Of(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var bytes = System.Text.Encoding.UTF8.GetByteCount(json);
        if (bytes > MaxBytes)
        {
            throw new GristmillException(ErrorCodes.BadValue, $"The value has {bytes:N0} bytes of JSON, and {MaxBytes:N0} are the most.",
                "Return a table or a file, and pass on its handle.");
        }

        using var document = JsonDocument.Parse(json);
        int? count = document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement.GetArrayLength() : null;
        return count > MaxItems
            ? throw new GristmillException(ErrorCodes.BadValue, $"The list has {count:N0} elements, and {MaxItems:N0} are the most.",
                "Return fewer, each standing for several, or a table.")
            : new ValueRef { Json = json, Bytes = bytes, Count = count };
    }

    /// <summary>The reference as others get it: without the value if that is large.</summary>
    /// <param name="stage">The stage that keeps it.</param>
    /// <param name="output">Its output.</param>
    public ValueRef Travelling(string stage, string output) =>
        Json is null || Bytes <= InlineBytes ? this : this with { Json = null, Stage = stage, Output = output };
}
