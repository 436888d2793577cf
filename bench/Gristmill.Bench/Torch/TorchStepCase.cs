using System.Globalization;
using Gristmill.Engines.Torch;

namespace Gristmill.Bench.Torch;

/// <summary>Training steps in TorchSharp against Python's torch on the same machine, with one thread and with all.</summary>
internal static class TorchStepCase
{
    public static IReadOnlyList<BenchCase> Run()
    {
        TorchRuntime.EnsureLoaded();
        var cases = new List<BenchCase>();
        foreach (var which in TorchStepBench.Cases)
        {
            // Small models run best with one thread, on either side.
            var threads = which.StartsWith("mlp", StringComparison.Ordinal) ? 1 : Environment.ProcessorCount;
            var steps = which.StartsWith("mlp", StringComparison.Ordinal) ? 1000 : 40;
            var own = TorchStepBench.Measure(which, threads, steps);
            var rival = Rivals.Run(Rivals.Python, "torch/steps.py", which,
                threads.ToString(CultureInfo.InvariantCulture), steps.ToString(CultureInfo.InvariantCulture));
            var name = string.Create(CultureInfo.InvariantCulture, $"torch step, {which}, {threads} threads");
            if (rival is not { } python)
            {
                cases.Add(new BenchCase(name, own, "ms", "rival absent", null, "<= 1.00 of Python's", false));
                continue;
            }

            var theirs = python.GetProperty("ms_per_step").GetDouble();
            cases.Add(new BenchCase(name, own, "ms",
                string.Create(CultureInfo.InvariantCulture, $"Python's torch {python.GetProperty("torch").GetString()}: {theirs:0.00} ms"),
                own / theirs, "<= 1.00", own <= theirs));
        }

        return cases;
    }
}
