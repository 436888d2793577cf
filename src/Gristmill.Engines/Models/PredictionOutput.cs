using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines;

/// <summary>
/// The columns predictions have, whatever engine made them. Binary: "score" (probability of yes, 32-bit float) and "label" (boolean,
/// score >= 0.5). Regression: "score". Multiclass: "label" (text, the first most probable class), "score" (its probability) and
/// "probabilities" (fixed-size list, one float a class in the order of the manifest's classes).
/// </summary>
public static class PredictionOutput
{
    /// <summary>The number or probability.</summary>
    public const string Score = "score";

    /// <summary>The decision.</summary>
    public const string Label = "label";

    /// <summary>All classes' probabilities.</summary>
    public const string Probabilities = "probabilities";

    /// <summary>Probability from which a binary prediction is a yes.</summary>
    public const float Threshold = 0.5f;

    /// <summary>Output columns for a manifest.</summary>
    /// <param name="task">Binary, Regression or Multiclass.</param>
    /// <param name="classes">Number of classes of a multiclass model.</param>
    public static ImmutableArray<ColumnSignature> Columns(ModelTask task, int classes = 0) => task switch
    {
        ModelTask.Binary => [new ColumnSignature(Score, ColumnType.Number), new ColumnSignature(Label, ColumnType.Boolean)],
        ModelTask.Regression => [new ColumnSignature(Score, ColumnType.Number)],
        ModelTask.Multiclass =>
        [
            new ColumnSignature(Label, ColumnType.String), new ColumnSignature(Score, ColumnType.Number),
            new ColumnSignature(Probabilities, ColumnType.Tensor) { Shape = [classes] },
        ],
        _ => throw new ArgumentOutOfRangeException(nameof(task), task, "A tensor model names its own outputs."),
    };

    /// <summary>Arrow schema of the prediction columns.</summary>
    /// <param name="task">Binary, Regression or Multiclass.</param>
    /// <param name="classes">Number of classes of a multiclass model.</param>
    public static Schema Schema(ModelTask task, int classes = 0) => new(task switch
    {
        ModelTask.Binary => [Field(Score, FloatType.Default), Field(Label, BooleanType.Default)],
        ModelTask.Regression => [Field(Score, FloatType.Default)],
        ModelTask.Multiclass => [Field(Label, StringType.Default), Field(Score, FloatType.Default), Field(Probabilities, ListOf(classes))],
        _ => throw new ArgumentOutOfRangeException(nameof(task), task, "A tensor model names its own outputs."),
    }, null);

    /// <summary>Numbers per row in the scores of a task: 1, or the number of classes.</summary>
    public static int ScoresPerRow(ModelManifest manifest) => manifest.Task == ModelTask.Multiclass ? manifest.Classes.Length : 1;

    /// <summary>Makes the prediction columns from scores.</summary>
    /// <param name="manifest">The model's manifest: its task and classes.</param>
    /// <param name="scores">rows x <see cref="ScoresPerRow"/>, row-major: probabilities, or values for a regression.</param>
    /// <param name="rows">Number of rows.</param>
    /// <exception cref="GristmillException">bad_value for a score that is NaN, with the row.</exception>
    public static RecordBatch Build(ModelManifest manifest, ReadOnlySpan<float> scores, int rows) => Build(manifest, scores, rows, bytes => new byte[bytes]);

    /// <summary>Makes the prediction columns in memory of the caller's choice, such as a segment's.</summary>
    internal static RecordBatch Build(ModelManifest manifest, ReadOnlySpan<float> scores, int rows, Func<int, Memory<byte>> allocate)
    {
        var perRow = ScoresPerRow(manifest);
        ArgumentOutOfRangeException.ThrowIfNotEqual(scores.Length, checked(rows * perRow));
        for (var i = 0; i < scores.Length; i++)
        {
            if (float.IsNaN(scores[i]))
            {
                throw NotANumber(i / perRow);
            }
        }

        var schema = Schema(manifest.Task, manifest.Classes.Length);
        return manifest.Task switch
        {
            ModelTask.Binary => new RecordBatch(schema, [FloatsOf(scores, allocate), YesOf(scores, allocate)], rows),
            ModelTask.Regression => new RecordBatch(schema, [FloatsOf(scores, allocate)], rows),
            _ => Multiclass(schema, manifest.Classes, scores, rows, allocate),
        };
    }

    internal static GristmillException NotANumber(long row) =>
        new GristmillException(ErrorCodes.BadValue, $"The model's score of row {row} is NaN.", "Look at the model's training: its loss or weights are not finite.")
            .With("row", row.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static RecordBatch Multiclass(Schema schema, ImmutableArray<string> classes, ReadOnlySpan<float> scores, int rows, Func<int, Memory<byte>> allocate)
    {
        var names = classes.Select(System.Text.Encoding.UTF8.GetBytes).ToArray();
        var winners = new int[rows];
        var best = new float[rows];
        var bytes = 0;
        for (var row = 0; row < rows; row++)
        {
            var own = scores.Slice(row * classes.Length, classes.Length);
            for (var c = 1; c < own.Length; c++)
            {
                winners[row] = own[c] > own[winners[row]] ? c : winners[row];
            }

            best[row] = own[winners[row]];
            bytes = checked(bytes + names[winners[row]].Length);
        }

        var offsets = allocate(checked((rows + 1) * sizeof(int)));
        var text = allocate(bytes);
        var ends = MemoryMarshal.Cast<byte, int>(offsets.Span);
        ends[0] = 0;
        for (var row = 0; row < rows; row++)
        {
            var name = names[winners[row]];
            name.CopyTo(text.Span[ends[row]..]);
            ends[row + 1] = ends[row] + name.Length;
        }

        var labels = new StringArray(rows, new ArrowBuffer(offsets), new ArrowBuffer(text), ArrowBuffer.Empty, 0, 0);
        var list = new FixedSizeListArray(ListOf(classes.Length), rows, FloatsOf(scores, allocate), ArrowBuffer.Empty, 0, 0);
        return new RecordBatch(schema, [labels, FloatsOf(best, allocate), list], rows);
    }

    private static FloatArray FloatsOf(ReadOnlySpan<float> values, Func<int, Memory<byte>> allocate)
    {
        var memory = allocate(checked(values.Length * sizeof(float)));
        MemoryMarshal.AsBytes(values).CopyTo(memory.Span);
        return new FloatArray(new ArrowBuffer(memory), ArrowBuffer.Empty, values.Length, 0, 0);
    }

    private static BooleanArray YesOf(ReadOnlySpan<float> scores, Func<int, Memory<byte>> allocate)
    {
        var memory = allocate((scores.Length + 7) / 8);
        var bits = memory.Span;
        for (var i = 0; i < scores.Length; i++)
        {
            if (scores[i] >= Threshold)
            {
                bits[i >> 3] |= (byte)(1 << (i & 7));
            }
        }

        return new BooleanArray(new ArrowBuffer(memory), ArrowBuffer.Empty, scores.Length, 0, 0);
    }

    private static Field Field(string name, IArrowType type) => new(name, type, nullable: false);

    private static FixedSizeListType ListOf(int classes) => new(Field("item", FloatType.Default), classes);
}
