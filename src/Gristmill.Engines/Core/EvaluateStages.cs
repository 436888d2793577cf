using System.Collections.Immutable;

namespace Gristmill.Engines.Core;

/// <summary>core.evaluate and core.best.</summary>
internal static class EvaluateStages
{
    private const string CandidatePrefix = "model:";

    public static StageOutputs Evaluate(StageContext context, CancellationToken cancellationToken)
    {
        var options = context.Options<EvaluateOptions>();
        using var data = context.Dataset("data");
        using var predictor = context.Models.Load(context.Model("model"));
        var metrics = ModelEvaluator.Evaluate(predictor, data.Batches, options.Label, options.By, options.ByPart, context.Threads,
            new ShareReporter(context, "scoring").Report,
            (manifest, scores, labels) => EvaluationFigures.Draw(context, context.Request.Stage, manifest, scores, labels), cancellationToken);
        return StageOutputs.Of(metrics);
    }

    public static StageOutputs Best(StageContext context, CancellationToken cancellationToken)
    {
        var options = context.Options<BestOptions>();
        var names = context.Request.Inputs.Keys.Where(k => k.StartsWith(CandidatePrefix, StringComparison.Ordinal))
            .Select(k => k[CandidatePrefix.Length..]).Order(StringComparer.Ordinal).ToArray();
        if (names.Length == 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{context.Request.Stage}' has no model to choose from.", $"Connect models as inputs '{CandidatePrefix}NAME'.");
        }

        var metric = options.Metric.ToLowerInvariant();
        var maximise = options.Maximize ?? ModelEvaluator.MoreIsBetter(metric);
        var all = ImmutableDictionary.CreateBuilder<string, double>(StringComparer.Ordinal);
        var winner = -1;
        var best = double.NaN;
        using var data = context.Dataset("data");
        for (var i = 0; i < names.Length; i++)
        {
            using var predictor = context.Models.Load(context.Model(CandidatePrefix + names[i]));
            var progress = new ShareReporter(context, $"scoring {names[i]}", (double)i / names.Length, (i + 1.0) / names.Length);
            var metrics = ModelEvaluator.Evaluate(predictor, data.Batches, options.Label, options.By, options.ByPart, context.Threads, progress.Report,
                (manifest, scores, labels) => EvaluationFigures.Draw(context, $"{context.Request.Stage}/{names[i]}", manifest, scores, labels), cancellationToken);
            foreach (var (name, value) in metrics)
            {
                all[$"{names[i]}/{name}"] = value;
            }

            if (!metrics.TryGetValue(metric, out var score))
            {
                throw new GristmillException(ErrorCodes.Invalid,
                    $"Stage '{context.Request.Stage}': the model '{names[i]}' has no metric '{options.Metric}' over these rows; it has {string.Join(", ", metrics.Keys.Where(k => !k.Contains('/', StringComparison.Ordinal)).Order(StringComparer.Ordinal))}.",
                    "Choose one of these. auc and r2 need labels that differ.").With("metric", options.Metric);
            }

            context.Report((i + 1.0) / names.Length, $"{names[i]}: {metric} {score:0.####}", (metric, score));
            if (winner < 0 || (maximise ? score > best : score < best))
            {
                (winner, best) = (i, score);
            }
        }

        all["score"] = best;
        all["winner"] = winner;
        return StageOutputs.Of(context.Model(CandidatePrefix + names[winner]), all.ToImmutable());
    }

    /// <summary>Options of core.evaluate.</summary>
    internal sealed record EvaluateOptions
    {
        /// <summary>Label column. Default: the one the model was trained with.</summary>
        public string? Label { get; init; }
        /// <summary>A column by whose values metrics are given too, as "value/metric".</summary>
        public string? By { get; init; }
        /// <summary>For a timestamp column in By: year, month (as "2001-04"), day, weekday, hour or minute.</summary>
        public string? ByPart { get; init; }
    }

    /// <summary>Options of core.best.</summary>
    /// <param name="Metric">What decides, such as "auc"; upper and lower case are one.</param>
    internal sealed record BestOptions(string Metric)
    {
        /// <summary>Label column. Default: the one the models were trained with.</summary>
        public string? Label { get; init; }
        /// <summary>A column by whose values metrics are given too, as "model/value/metric"; it decides nothing.</summary>
        public string? By { get; init; }
        /// <summary>For a timestamp column in By: year, month (as "2001-04"), day, weekday, hour or minute.</summary>
        public string? ByPart { get; init; }
        /// <summary>Whether more is better. Default: less for logloss, brier, ece, rmse and mae, more for all others.</summary>
        public bool? Maximize { get; init; }
    }
}
