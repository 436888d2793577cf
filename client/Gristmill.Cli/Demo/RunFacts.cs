using System.Text.RegularExpressions;
using Gristmill.Display;

namespace Gristmill.Cli.Demo;

/// <summary>Reads what the demo reports out of a finished run.</summary>
internal static partial class RunFacts
{
    private const string CandidatePrefix = "model:";

    /// <summary>Rows of the stages that read files.</summary>
    public static long RowsIngested(RunView run) =>
        run.Stages.Where(s => s.Operation is StageOperations.SqlRead or StageOperations.ArrowRead).Sum(s => s.Usage?.Rows ?? 0);

    /// <summary>Stages that did something, in their order, each with the time from its start to its end: what only the silo does takes no time of a worker.</summary>
    public static IReadOnlyList<DemoStage> Stages(RunView run) =>
        [.. run.Stages.Where(s => s.Usage is not null).Select(s => new DemoStage(
            s.Name, Math.Round(Texts.Elapsed(s, s.Ended ?? run.Created)?.TotalMilliseconds ?? 0, 1), Math.Round(s.Usage!.CpuMs, 1), s.Usage.Rows, s.Usage.BytesOut))];

    /// <summary>Area under the curve by the engine of the compared model, then by month.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> AucByMonth(RunView run, PipelineSpec spec)
    {
        var result = new SortedDictionary<string, IReadOnlyDictionary<string, double>>(StringComparer.Ordinal);
        foreach (var stage in spec.Stages.Where(s => s.Operation == StageOperations.Best))
        {
            var metrics = run.Stages.FirstOrDefault(s => s.Name == stage.Name)?.Outputs.Values.FirstOrDefault(o => o.Metrics is not null)?.Metrics;
            foreach (var (input, source) in stage.Inputs.Where(i => i.Key.StartsWith(CandidatePrefix, StringComparison.Ordinal)))
            {
                var trainer = spec.Stages.First(s => s.Name == source.Stage);
                var candidate = input[CandidatePrefix.Length..];
                var months = (metrics ?? []).Select(m => (Match: MonthlyAuc().Match(m.Key), m.Value))
                    .Where(m => m.Match.Success && m.Match.Groups["model"].Value == candidate)
                    .ToDictionary(m => m.Match.Groups["month"].Value, m => Math.Round(m.Value, 4));
                if (months.Count > 0)
                {
                    result[trainer.Operation.Split('.')[0]] = new SortedDictionary<string, double>(months, StringComparer.Ordinal);
                }
            }
        }

        return result;
    }

    /// <summary>Bytes that all stages together had to copy to hand data over.</summary>
    public static long BytesCopied(RunView run) => run.Stages.Sum(s => s.Usage?.BytesCopied ?? 0);

    [GeneratedRegex(@"^(?<model>[^/]+)/(?<month>\d{4}-\d{2})/auc$")]
    private static partial Regex MonthlyAuc();
}
