using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Gristmill.Bench;

/// <summary>One measured case: our value, the rival's in the same run, and whether the goal is met.</summary>
/// <param name="Case">What was measured.</param>
/// <param name="Value">Our figure.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Against">The rival and its figure, or "rival absent".</param>
/// <param name="Ratio">Ours to the rival's, in the direction the goal names; null where the rival is absent.</param>
/// <param name="Goal">What is wanted.</param>
/// <param name="Met">Whether it is.</param>
internal sealed record BenchCase(string Case, double Value, string Unit, string Against, double? Ratio, string Goal, bool Met)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Print(IReadOnlyList<BenchCase> cases, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { cases }, s_json));
            return;
        }

        foreach (var item in cases)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{(item.Met ? "met    " : "NOT met")} {item.Case}: {item.Value:0.####} {item.Unit}, against {item.Against}{(item.Ratio is { } ratio ? $", ratio {ratio:0.###}" : "")} (goal {item.Goal})"));
        }
    }
}
