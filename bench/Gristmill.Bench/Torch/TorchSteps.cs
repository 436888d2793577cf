using System.Text.Json;

namespace Gristmill.Bench.Torch;

/// <summary>What a process saw of its training steps; the JSON line that either side prints.</summary>
/// <param name="MsPerStep">The median step's wall time in milliseconds.</param>
/// <param name="CpuMsPerStep">CPU time of a step in milliseconds, all threads of the process.</param>
/// <param name="FaultsPerStep">Minor page faults of a step.</param>
/// <param name="Loss">The last step's loss.</param>
/// <param name="Torch">Version of libtorch.</param>
internal sealed record TorchSteps(double MsPerStep, double CpuMsPerStep, double FaultsPerStep, double Loss, string Torch)
{
    public static JsonSerializerOptions Json { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
