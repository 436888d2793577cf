using System.Buffers;
using Apache.Arrow;
using Gristmill.Engines.Features;

namespace Gristmill.Engines;

/// <summary>Scores the rows of a table, ranges of rows side by side, without ever holding the whole feature matrix.</summary>
internal static class TableScorer
{
    /// <summary>Rows scored by one call of the model.</summary>
    private const int RangeRows = 16 * 1024;

    /// <summary>Scores a table into rows x ScoresPerRow floats. Errors name rows counted from rowBase.</summary>
    public static void Score(IPredictor predictor, IReadOnlyList<RecordBatch> table, Memory<float> scores, int threads, Action<double>? progress,
        CancellationToken cancellationToken, long rowBase = 0)
    {
        var perRow = PredictionOutput.ScoresPerRow(predictor.Manifest);
        var ranges = RowRanges.Split([.. table.Select(b => b.Length)], RangeRows);
        var total = Math.Max(1, table.Sum(b => (long)b.Length));
        long done = 0;
        var matrix = predictor as IMatrixPredictor;
        var scored = matrix is { ScoresRowsAlone: true, Encoder.Width: > 0 } && total >= ScoredRows.Worthwhile ? new ScoredRows(matrix, total) : null;
        var bound = matrix is null ? null : matrix.Encoder.Bind(table, rowBase);
        RowRanges.ForEach(ranges, threads, range =>
        {
            var target = scores.Span.Slice(checked((int)(range.RowInTable * perRow)), range.Count * perRow);
            if (matrix is not null)
            {
                Encoded(matrix, scored, bound![range.Batch], range, target);
            }
            else
            {
                Predicted(predictor, table[range.Batch], range, target);
            }

            progress?.Invoke((double)Interlocked.Add(ref done, range.Count) / total);
        }, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static void Encoded(IMatrixPredictor predictor, ScoredRows? scored, BoundRows rows, RowRange range, Span<float> target)
    {
        var buffer = ArrayPool<float>.Shared.Rent(range.Count * predictor.Encoder.Width);
        try
        {
            var features = buffer.AsSpan(0, range.Count * predictor.Encoder.Width);
            rows.Encode(range.Start, range.Count, features);
            if (scored is not null)
            {
                scored.Score(features, range.Count, target);
            }
            else
            {
                predictor.Score(features, range.Count, target);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private static void Predicted(IPredictor predictor, RecordBatch batch, RowRange range, Span<float> target)
    {
        using var output = predictor.Predict(batch.Slice(range.Start, range.Count));
        var name = predictor.Manifest.Task == ModelTask.Multiclass ? PredictionOutput.Probabilities : PredictionOutput.Score;
        var index = InputColumn.IndexOf(output.Schema, name);
        var values = index < 0 ? null : output.Column(index) switch
        {
            FixedSizeListArray list => (list.Values as FloatArray)?.Values.Slice(list.Offset * (target.Length / Math.Max(1, range.Count)), target.Length).ToArray(),
            FloatArray floats => floats.Values.ToArray(),
            DoubleArray doubles => [.. doubles.Values.ToArray().Select(d => (float)d)],
            _ => null,
        };
        if (values is null || values.Length != target.Length)
        {
            throw new GristmillException(ErrorCodes.ModelFormat,
                $"The model of engine '{predictor.Manifest.Engine}' gives no column '{name}' of {target.Length} numbers: it cannot be measured.",
                "Name the output that holds its score when it is packaged.");
        }

        values.CopyTo(target);
    }
}
