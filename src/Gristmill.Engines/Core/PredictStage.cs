using System.Collections.Immutable;
using Apache.Arrow;
using Gristmill.Engines.Features;
using Gristmill.Objects;

namespace Gristmill.Engines.Core;

/// <summary>core.predict.</summary>
internal static class PredictStage
{
    // Rows scored before they are written: bounds what is held beside the segment.
    private const int BatchRows = 1 << 20;

    public static StageOutputs Run(StageContext context, CancellationToken cancellationToken)
    {
        var options = context.Options<Options>();
        using var data = context.Dataset("data");
        using var predictor = context.Models.Load(context.Model("model"));
        var kept = Kept(data.Schema, options.Keep);
        var prefix = options.Prefix ?? "";
        var total = Math.Max(1, data.Ref.Rows);
        long done = 0;
        ObjectWriter? writer = null;
        try
        {
            foreach (var batch in data.Batches)
            {
                for (var start = 0; start < batch.Length || (start == 0 && batch.Length == 0); start += BatchRows)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var count = Math.Min(BatchRows, batch.Length - start);
                    var rows = start == 0 && count == batch.Length ? batch : batch.Slice(start, count);
                    var progress = new ShareReporter(context, "predicting", (double)done / total, (double)(done + count) / total);
                    if (predictor is IMatrixPredictor)
                    {
                        var scores = new float[count * PredictionOutput.ScoresPerRow(predictor.Manifest)];
                        TableScorer.Score(predictor, [rows], scores, context.Threads, progress.Report, cancellationToken, rowBase: done);
                        writer ??= Create(context, data.Schema, kept, PredictionOutput.Schema(predictor.Manifest.Task, predictor.Manifest.Classes.Length), prefix, total);
                        writer.BeginBatch();
                        var predicted = PredictionOutput.Build(predictor.Manifest, scores, count, writer.Allocate);
                        writer.EndBatch(count, [.. kept.Select(rows.Column), .. predicted.Arrays]);
                    }
                    else
                    {
                        using var predicted = predictor.Predict(rows);
                        writer ??= Create(context, data.Schema, kept, predicted.Schema, prefix, total);
                        writer.BeginBatch();
                        writer.EndBatch(count, [.. kept.Select(rows.Column), .. predicted.Arrays]);
                        progress.Report(1);
                    }

                    done += count;
                    if (count == 0)
                    {
                        break;
                    }
                }
            }

            // A table without batches still has a schema.
            writer ??= Create(context, data.Schema, kept, predictor.Manifest.Task == ModelTask.Tensor
                ? throw new GristmillException(ErrorCodes.BadValue, "There are no rows to predict.", "Look at the filter that made the table.")
                : PredictionOutput.Schema(predictor.Manifest.Task, predictor.Manifest.Classes.Length), prefix, total);
            return StageOutputs.Of(writer.Seal());
        }
        finally
        {
            writer?.Dispose();
        }
    }

    private static int[] Kept(Schema schema, ImmutableArray<string>? keep) => keep is not { } names
        ? [.. Enumerable.Range(0, schema.FieldsList.Count)]
        : [.. names.Select(name => InputColumn.IndexOf(schema, name) is var index and >= 0 ? index
            : throw new GristmillException(ErrorCodes.UnknownColumn, $"The column '{name}' to keep is missing; there are {string.Join(", ", schema.FieldsList.Select(f => $"'{f.Name}'"))}.",
                "Name columns of the input.").With("column", name))];

    private static ObjectWriter Create(StageContext context, Schema input, int[] kept, Schema predicted, string prefix, long rows)
    {
        var fields = kept.Select(k => input.FieldsList[k]).ToList();
        foreach (var field in predicted.FieldsList)
        {
            var name = prefix + field.Name;
            if (fields.Any(f => f.Name == name))
            {
                throw new GristmillException(ErrorCodes.Conflict, $"Stage '{context.Request.Stage}': the input has a column '{name}' already, and the predictions bring one.",
                    "Set the option prefix, or keep fewer columns (option keep).").With("column", name);
            }

            fields.Add(new Field(name, field.DataType, field.IsNullable));
        }

        return context.Objects.Create(new Schema(fields, null), (rows * 8 * fields.Count) + (1 << 16));
    }

    /// <summary>Options of core.predict.</summary>
    internal sealed record Options
    {
        /// <summary>Columns of the input to keep beside the predictions; these are copied. Default: all.</summary>
        public ImmutableArray<string>? Keep { get; init; }
        /// <summary>Put before the names of prediction columns. Default: nothing.</summary>
        public string? Prefix { get; init; }
    }
}
