using System.Globalization;
using System.Text.Json;

namespace Gristmill.Bench.Torch;

/// <summary>Training steps in TorchSharp against Python's torch on the same machine, large models with all threads.</summary>
internal static class TorchStepCase
{
    // Either side in a process of its own, in turn: what a process's heap settles into differs from one to the next, and a
    // shared machine from one minute to the next.
    private const int Rounds = 5;

    public static IReadOnlyList<BenchCase> Run()
    {
        var cases = new List<BenchCase>();
        foreach (var which in TorchStepBench.Cases)
        {
            // Small models run best with one thread, on either side.
            var small = which.StartsWith("mlp", StringComparison.Ordinal);
            var threads = small ? 1 : Environment.ProcessorCount;
            string[] arguments = [which, threads.ToString(CultureInfo.InvariantCulture), small ? "1000" : "20"];
            var own = new List<TorchSteps>();
            var rival = new List<TorchSteps>();
            for (var i = 0; i < Rounds; i++)
            {
                own.Add(Read(Rivals.RunSelf("torch-step", arguments)) ?? throw new InvalidOperationException($"The case '{which}' did not run."));
                if (rival.Count == i && Read(Rivals.Run(Rivals.Python, "torch/steps.py", arguments)) is { } theirs)
                {
                    rival.Add(theirs);
                }
            }

            var name = string.Create(CultureInfo.InvariantCulture, $"torch step, {which}, {threads} threads");
            var value = Median(own, round => round.MsPerStep);
            Console.Error.WriteLine($"    {which}: {Describe(own)}; Python's {Describe(rival)}");
            if (rival.Count < Rounds)
            {
                cases.Add(new BenchCase(name, value, "ms", "rival absent", null, "<= 1.00 of Python's", false));
                continue;
            }

            var ratio = value / Median(rival, round => round.MsPerStep);
            cases.Add(new BenchCase(name, value, "ms", $"Python's torch {rival[0].Torch}: {Describe(rival)}; ours: {Describe(own)}", ratio, "<= 1.00", ratio <= 1));
        }

        return cases;
    }

    private static TorchSteps? Read(JsonElement? line) => line?.Deserialize<TorchSteps>(TorchSteps.Json);

    private static double Median(List<TorchSteps> rounds, Func<TorchSteps, double> of) => rounds.Select(of).Order().ElementAt(rounds.Count / 2);

    private static string Describe(List<TorchSteps> rounds) => rounds.Count == 0 ? "absent" : string.Create(CultureInfo.InvariantCulture,
        $"{Median(rounds, r => r.MsPerStep):0.00} ms ({rounds.Min(r => r.MsPerStep):0.00} to {rounds.Max(r => r.MsPerStep):0.00}), {Median(rounds, r => r.CpuMsPerStep):0.00} CPU-ms, {Median(rounds, r => r.FaultsPerStep):0} page faults");
}
