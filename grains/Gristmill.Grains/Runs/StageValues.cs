using System.Collections.Immutable;
using System.Text;

namespace Gristmill.Grains.Runs;

/// <summary>Values that stages returned: kept whole by their stage, told to others by reference, read in parts.</summary>
internal static class StageValues
{
    /// <summary>Characters a part: with three bytes each, well below a message's limit.</summary>
    private const int Part = 16 << 10;

    /// <summary>A part of a kept value.</summary>
    public static string? Slice(Artifact? output, int offset) => output?.Value?.Json is { } json && offset >= 0 && offset <= json.Length
        ? json.Substring(offset, Math.Min(Part, json.Length - offset))
        : null;

    /// <summary>Outputs as others get them: large values stay behind.</summary>
    public static ImmutableDictionary<string, Artifact> Travelling(string stage, ImmutableDictionary<string, Artifact> outputs)
    {
        foreach (var (name, artifact) in outputs)
        {
            if (artifact.Value is { Json: not null, Bytes: > ValueRef.InlineBytes } value)
            {
                outputs = outputs.SetItem(name, Artifact.Of(value.Travelling(stage, name)));
            }
        }

        return outputs;
    }

    /// <summary>The value as JSON.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>: its stage does not have it.</exception>
    public static async Task<string> ReadAsync(IGrainFactory grains, string run, ValueRef value, TimeProvider time)
    {
        if (value.Json is { } here)
        {
            return here;
        }

        var stage = grains.GetGrain<IStageGrain>($"{run}/{value.Stage}");
        var text = new StringBuilder(value.Bytes);
        while (true)
        {
            var part = await Retry.TransientAsync(() => stage.ReadValueAsync(value.Output!, text.Length), time) ?? throw new GristmillException(
                ErrorCodes.NotFound, $"Stage '{value.Stage}' does not have the value '{value.Output}'.", "Run the pipeline again.");
            text.Append(part);
            if (part.Length < Part)
            {
                return text.ToString();
            }
        }
    }
}
