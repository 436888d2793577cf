using System.Text.RegularExpressions;

namespace Gristmill.Cli.Demo;

/// <summary>Reads what the demo reports out of a finished run.</summary>
internal static partial class RunFacts
{
    /// <summary>Rows of the stages that read files.</summary>
    public static long RowsIngested(RunView run) =>
        run.Stages.Where(s => s.Operation is StageOperations.SqlRead or StageOperations.ArrowRead).Sum(s => s.Usage?.Rows ?? 0);

    /// <summary>Stages that did something, in their order.</summary>
    public static IReadOnlyList<DemoStage> Stages(RunView run) =>
        [.. run.Stages.Where(s => s.Usage is not null).Select(s => new DemoStage(
            s.Name, Math.Round(s.Usage!.WallMs, 1), Math.Round(s.Usage.CpuMs, 1), s.Usage.Rows, s.Usage.BytesOut))];

    /// <summary>Area under the curve by the engine of the evaluated model, then by month.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> AucByMonth(RunView run, PipelineSpec spec)
    {
        var result = new SortedDictionary<string, IReadOnlyDictionary<string, double>>(StringComparer.Ordinal);
        foreach (var stage in spec.Stages.Where(s => s.Operation == StageOperations.Evaluate))
        {
            var trainer = spec.Stages.FirstOrDefault(s => s.Name == stage.Inputs.GetValueOrDefault("model")?.Stage);
            var metrics = run.Stages.FirstOrDefault(s => s.Name == stage.Name)?.Outputs.Values.FirstOrDefault(o => o.Metrics is not null)?.Metrics;
            if (trainer is null || metrics is null)
            {
                continue;
            }

            var months = metrics.Select(m => (Match: MonthlyAuc().Match(m.Key), m.Value)).Where(m => m.Match.Success)
                .ToDictionary(m => m.Match.Groups[1].Value, m => Math.Round(m.Value, 4));
            if (months.Count > 0)
            {
                result[trainer.Operation.Split('.')[0]] = new SortedDictionary<string, double>(months, StringComparer.Ordinal);
            }
        }

        return result;
    }

    /// <summary>Bytes that all stages together had to copy to hand data over.</summary>
    public static long BytesCopied(RunView run) => run.Stages.Sum(s => s.Usage?.BytesCopied ?? 0);

    [GeneratedRegex(@"^(\d{4}-\d{2})(?:-01)?(?:[ T][\d:.]+)?/auc$")]
    private static partial Regex MonthlyAuc();
}
