using System.Runtime.InteropServices;
using Apache.Arrow;
using Gristmill.Objects;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// An encoded table in training: the matrix and labels of <see cref="FeatureEncoder"/>, mapped. Its object has no name
/// any more, so the memory goes with this, also when the process dies.
/// </summary>
internal sealed class TrainingMatrix : IDisposable
{
    private TrainingMatrix(FeatureEncoder encoder, ObjectLease lease, long rows)
    {
        Encoder = encoder;
        Lease = lease;
        Rows = rows;
    }

    /// <summary>Test hook: sees the lease of a matrix just handed over.</summary>
    internal static Action<ObjectLease>? Mapped { get; set; }

    internal FeatureEncoder Encoder { get; }

    internal ObjectLease Lease { get; }

    /// <summary>Rows of the table; the matrix holds fewer where equal ones were merged.</summary>
    internal long Rows { get; }

    /// <summary>Rows of the matrix a row of the table: 1, or less where equal ones were merged.</summary>
    internal double Share => (double)Lease.Batches.Sum(b => (long)b.Length) / Rows;

    /// <summary>Fits the transforms on a stage's input and encodes it.</summary>
    /// <param name="context">The attempt.</param>
    /// <param name="input">The input's name.</param>
    /// <param name="options">Label and columns.</param>
    /// <param name="standardise">Whether an inferred plan standardises numbers.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <param name="adapt">Changes transforms of an inferred plan, told the label's type.</param>
    /// <param name="merge">Whether equal rows may become one with a weight.</param>
    internal static TrainingMatrix Fit(
        StageContext context, string input, TabularOptions options, bool standardise, CancellationToken cancellationToken,
        Func<TransformSpec, ColumnType, TransformSpec>? adapt = null, bool merge = false)
    {
        using var data = context.Dataset(input);
        if (data.Batches.Sum(b => (long)b.Length) == 0)
        {
            throw new GristmillException(ErrorCodes.BadValue, $"Stage '{context.Request.Stage}': input '{input}' has no rows to learn from.",
                "Look at the stage before.");
        }

        var plan = options.Features;
        if (plan is null)
        {
            plan = FeaturePlan.Infer(data.Schema, new HashSet<string>([.. options.Exclude, options.Label], StringComparer.Ordinal),
                options.Categorical.ToHashSet(StringComparer.Ordinal), standardise);
            if (adapt is not null)
            {
                var label = LabelEncoder.Fit(data.Batches, options.Label, options.Task);
                plan = new FeaturePlan([.. plan.Transforms.Select(t => adapt(t, label.Classes.IsEmpty ? label.Type : ColumnType.String))]);
            }
        }

        if (plan.Transforms.Any(t => t.Columns.Contains(options.Label)))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{context.Request.Stage}': the features read the label '{options.Label}'.",
                "Take it out of the plan: a model that sees its label learns nothing else.").With("column", options.Label);
        }

        var encoder = FeatureEncoder.Fit(plan, data.Batches, options.Label, options.Task, context.Threads, cancellationToken);
        return Encode(context, encoder, data, cancellationToken, merge);
    }

    /// <summary>Encodes another input with the same transforms.</summary>
    internal TrainingMatrix Encode(StageContext context, string input, CancellationToken cancellationToken)
    {
        using var data = context.Dataset(input);
        return Encode(context, Encoder, data, cancellationToken);
    }

    /// <summary>The rows as LightGBM takes them.</summary>
    internal List<MatrixChunk> Chunks()
    {
        var chunks = new List<MatrixChunk>(Lease.Batches.Count);
        foreach (var batch in Lease.Batches)
        {
            if (batch.Length > 0)
            {
                var features = (FloatArray)((FixedSizeListArray)batch.Column(0)).Values;
                chunks.Add(new MatrixChunk(batch.Length, Bytes(features, batch.Length * Encoder.Width), Bytes((FloatArray)batch.Column(1), batch.Length),
                    batch.ColumnCount > 2 ? Bytes((FloatArray)batch.Column(2), batch.Length) : default));
            }
        }

        return chunks;
    }

    /// <summary>What is to be predicted: as asked, or by the labels.</summary>
    internal ModelTask TaskOf(ModelTask? asked)
    {
        var label = Encoder.Label!;
        if (asked is { } task)
        {
            if (task == ModelTask.Binary && !AllZeroOrOne())
            {
                throw new GristmillException(ErrorCodes.BadValue, $"The label '{label.Name}' has other values than 0 and 1.",
                    "A binary task takes booleans, 0 and 1, or two classes.").With("column", label.Name);
            }

            return task;
        }

        return !label.Classes.IsEmpty ? ModelTask.Multiclass
            : label.Type == ColumnType.Boolean || AllZeroOrOne() ? ModelTask.Binary
            : ModelTask.Regression;
    }

    public void Dispose() => Lease.Dispose();

    private static TrainingMatrix Encode(StageContext context, FeatureEncoder encoder, ObjectLease data, CancellationToken cancellationToken, bool merge = false)
    {
        var merged = merge ? encoder.EncodeDistinctTo(context.Objects, data.Batches, encoder.Label!, () => context.Threads, cancellationToken) : null;
        var reference = merged ?? encoder.EncodeTo(context.Objects, data.Batches, encoder.Label, context.Threads, progress: null, cancellationToken);
        try
        {
            return new TrainingMatrix(encoder, context.Objects.Get(reference), data.Batches.Sum(b => (long)b.Length));
        }
        finally
        {
            context.Objects.Delete(reference.Id);
        }
    }

    private bool AllZeroOrOne()
    {
        foreach (var chunk in Chunks())
        {
            if (MemoryMarshal.Cast<byte, float>(chunk.Labels.Span).IndexOfAnyExcept(0f, 1f) >= 0)
            {
                return false;
            }
        }

        return true;
    }

    private static ReadOnlyMemory<byte> Bytes(FloatArray array, int count) =>
        array.ValueBuffer.Memory.Slice(array.Offset * sizeof(float), count * sizeof(float));
}
