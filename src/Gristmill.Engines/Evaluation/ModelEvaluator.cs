using System.Collections.Immutable;
using Apache.Arrow;
using Gristmill.Engines.Features;

namespace Gristmill.Engines;

/// <summary>Measures models over labelled tables.</summary>
public static class ModelEvaluator
{
    private static readonly ImmutableHashSet<string> LessIsBetter = ["logloss", "brier", "ece", "rmse", "mae"];

    /// <summary>Whether more of a metric is better: of those here all but logloss, brier, ece, rmse and mae.</summary>
    public static bool MoreIsBetter(string metric) => !LessIsBetter.Contains(metric);

    /// <summary>Scores a table and measures.</summary>
    /// <param name="predictor">A binary, regression or multiclass model.</param>
    /// <param name="table">Rows with the model's inputs and the label.</param>
    /// <param name="label">Label column; null for the manifest's.</param>
    /// <param name="by">A column by whose values metrics are given too, as "value/metric"; null for none.</param>
    /// <param name="byPart">For a timestamp column in <paramref name="by"/>: year, month (as "2001-04"), day, weekday, hour or minute.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="progress">Receives the share of rows done, 0 to 1, from any thread.</param>
    /// <param name="scored">Is given all scores and labels, while they are measured; null: nobody.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>See <see cref="BinaryMetrics.ToMetrics"/>, <see cref="RegressionMetrics.ToMetrics"/>, <see cref="MulticlassMetrics.ToMetrics"/>.</returns>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming column and row.</exception>
    public static ImmutableDictionary<string, double> Evaluate(IPredictor predictor, IReadOnlyList<RecordBatch> table, string? label, string? by = null,
        string? byPart = null, int threads = 1, Action<double>? progress = null,
        Action<ModelManifest, float[], float[]>? scored = null, CancellationToken cancellationToken = default)
    {
        var manifest = predictor.Manifest;
        if (manifest.Task == ModelTask.Tensor)
        {
            throw new GristmillException(ErrorCodes.TypeMismatch, $"The model of engine '{manifest.Engine}' maps tensors to tensors: it has no score to measure.",
                "Package it with a task and the output that holds its score.");
        }

        var name = label ?? manifest.Label ?? throw new GristmillException(ErrorCodes.Invalid, "No label is named, and the model's manifest has none.", "Set the option label.");
        var rows = table.Sum(b => (long)b.Length);
        var perRow = PredictionOutput.ScoresPerRow(manifest);
        if (rows == 0 || rows * perRow > System.Array.MaxLength)
        {
            throw new GristmillException(ErrorCodes.BadValue, rows == 0 ? "There are no rows to measure the model on." : $"{rows} rows are more than one evaluation takes.",
                rows == 0 ? "Look at the filter that made the table." : "Evaluate on a sample.");
        }

        // What can be wrong with the columns shows itself before the long part. The groups are one piece of work, so they come first.
        RowGroups? groups = null;
        var labels = new float[rows];
        var bound = LabelEncoder.Of(name, manifest.Task == ModelTask.Regression ? [] : manifest.Classes).Bind(table);
        var ranges = RowRanges.Split([.. table.Select(b => b.Length)], RowRanges.Rows);
        RowRanges.ForEach(1 + ranges.Count, threads, i =>
        {
            if (i == 0)
            {
                groups = by is null ? null : RowGroups.Of(table, by, byPart);
            }
            else
            {
                var range = ranges[i - 1];
                bound[range.Batch].Read(range.Start, labels.AsSpan((int)range.RowInTable, range.Count));
            }
        }, cancellationToken);

        var scores = new float[rows * perRow];
        TableScorer.Score(predictor, table, scores, threads, progress, cancellationToken);

        var parts = groups?.Groups ?? [];
        var measured = new ImmutableDictionary<string, double>[1 + parts.Count];
        RowRanges.ForEach(2 + parts.Count, threads, i =>
        {
            switch (i)
            {
                case 0:
                    measured[0] = Measure(manifest, scores, labels);
                    break;
                case 1:
                    scored?.Invoke(manifest, scores, labels);
                    break;
                default:
                    var members = parts[i - 2].Rows;
                    measured[i - 1] = Measure(manifest, Gather(scores, members, perRow), Gather(labels, members, 1));
                    break;
            }
        }, cancellationToken);

        var metrics = measured[0].ToBuilder();
        foreach (var (part, values) in parts.Zip(measured.Skip(1)))
        {
            metrics.AddRange(values.Select(v => KeyValuePair.Create($"{part.Name}/{v.Key}", v.Value)));
        }

        return metrics.ToImmutable();
    }

    /// <summary>Measures scores against labels by a manifest's task.</summary>
    /// <param name="manifest">Task and classes.</param>
    /// <param name="scores">rows x scores per row, as the predictor gives them.</param>
    /// <param name="labels">0 or 1, a class index, or a number a row.</param>
    public static ImmutableDictionary<string, double> Measure(ModelManifest manifest, ReadOnlySpan<float> scores, ReadOnlySpan<float> labels) => manifest.Task switch
    {
        ModelTask.Binary => BinaryMetrics.Compute(scores, labels).ToMetrics(),
        ModelTask.Multiclass => MulticlassMetrics.Compute(scores, labels, manifest.Classes.Length).ToMetrics(),
        ModelTask.Regression => RegressionMetrics.Compute(scores, labels).ToMetrics(),
        _ => throw new ArgumentOutOfRangeException(nameof(manifest), manifest.Task, "A tensor model has no metrics."),
    };

    private static float[] Gather(float[] values, int[] rows, int perRow)
    {
        var gathered = new float[rows.Length * perRow];
        for (var i = 0; i < rows.Length; i++)
        {
            values.AsSpan(rows[i] * perRow, perRow).CopyTo(gathered.AsSpan(i * perRow));
        }

        return gathered;
    }
}
