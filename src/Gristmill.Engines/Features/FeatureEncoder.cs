using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Gristmill.Engines.Features;

namespace Gristmill.Engines;

/// <summary>
/// Fitted transforms: raw columns in, one dense row of 32-bit floats out. Fitted once on training rows, kept in the
/// model package as features.json, applied by the same code in training, evaluation and serving. Immutable and safe for
/// many threads.
/// </summary>
public sealed partial class FeatureEncoder
{
    private readonly ImmutableArray<InputColumn> _columns;
    private readonly ImmutableArray<Transform> _transforms;
    private readonly int[] _offsets;

    internal FeatureEncoder(ImmutableArray<InputColumn> columns, ImmutableArray<Transform> transforms, LabelEncoder? label)
    {
        _columns = [.. columns.Select((c, i) => c with { Nullable = transforms.All(t => t.TakesNull || !t.Inputs.Contains(i)) })];
        _transforms = transforms;
        Label = label;
        Inputs = [.. _columns.Select(c => new ColumnSignature(c.Name, c.Type) { Nullable = c.Nullable })];

        // Two transforms of one column may give one name twice; engines want names apart.
        var names = new Dictionary<string, int>(StringComparer.Ordinal);
        var features = ImmutableArray.CreateBuilder<EncodedFeature>();
        _offsets = new int[transforms.Length];
        for (var t = 0; t < transforms.Length; t++)
        {
            _offsets[t] = features.Count;
            foreach (var feature in transforms[t].Features)
            {
                var times = names[feature.Name] = names.GetValueOrDefault(feature.Name) + 1;
                features.Add(times == 1 ? feature : feature with { Name = $"{feature.Name}#{times}" });
            }
        }

        Features = features.ToImmutable();
        _keyed = [.. _columns.Select((_, i) => transforms.Any(t => t.UsesKeys && t.Inputs.Contains(i)))];
    }

    /// <summary>Columns it reads, in the order of the plan.</summary>
    public ImmutableArray<ColumnSignature> Inputs { get; }

    /// <summary>The features it writes, <see cref="Width"/> of them.</summary>
    public ImmutableArray<EncodedFeature> Features { get; }

    /// <summary>Floats per row.</summary>
    public int Width => Features.Length;

    /// <summary>The label it was fitted with, and so its classes; null if none was named.</summary>
    public LabelEncoder? Label { get; }

    /// <summary>Fits a plan on the batches of a table.</summary>
    /// <param name="plan">What to do with which column.</param>
    /// <param name="table">Training rows.</param>
    /// <param name="label">Label column, for target encoding; null if no transform needs it.</param>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming the column; invalid for a plan that makes no sense.</exception>
    public static FeatureEncoder Fit(FeaturePlan plan, IReadOnlyList<RecordBatch> table, string? label) =>
        Fit(plan, table, label, task: null, threads: 1, CancellationToken.None);

    /// <summary>Fits a plan on the batches of a table, transforms side by side.</summary>
    /// <param name="plan">What to do with which column.</param>
    /// <param name="table">Training rows.</param>
    /// <param name="label">Label column, for target encoding; null if no transform needs it.</param>
    /// <param name="task">What is to be learnt, which decides how the label is read (<see cref="LabelEncoder.Fit"/>).</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="cancellationToken">Ends the fit.</param>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming the column; invalid for a plan that makes no sense.</exception>
    public static FeatureEncoder Fit(FeaturePlan plan, IReadOnlyList<RecordBatch> table, string? label, ModelTask? task, int threads, CancellationToken cancellationToken)
    {
        if (plan.Transforms.IsDefaultOrEmpty)
        {
            throw new GristmillException(ErrorCodes.Invalid, "The plan has no transform.", "Give each column to learn from a transform.");
        }

        if (table.Count == 0)
        {
            throw new GristmillException(ErrorCodes.BadValue, "There are no rows to fit the transforms on.");
        }

        var (columns, inputs) = Resolve(plan, table[0].Schema);
        var labels = label is null ? null : LabelEncoder.Fit(table, label, task);
        var batches = table.Select(b => columns.Select(c => c.Find(b)).ToArray()).ToArray();
        var fitTable = new FitTable(columns, batches, label,
            plan.Transforms.Any(t => t.Kind == TransformKind.TargetEncode) ? ReadLabel(table, labels) : null, cancellationToken);

        var transforms = new Transform[plan.Transforms.Length];
        RowRanges.ForEach(transforms.Length, threads, t => transforms[t] = TransformFactory.Fit(plan.Transforms[t], inputs[t], fitTable), cancellationToken);
        return new FeatureEncoder(columns, ImmutableCollectionsMarshal.AsImmutableArray(transforms), labels);
    }

    /// <summary>Encodes all rows of a batch into a row-major matrix.</summary>
    /// <param name="batch">Rows with the columns of <see cref="Inputs"/>, in any order, others ignored.</param>
    /// <param name="matrix">batch.Length x Width.</param>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming column and row.</exception>
    public void Encode(RecordBatch batch, Span<float> matrix)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(matrix.Length, checked(batch.Length * Width));
        Bind(batch).Encode(0, batch.Length, matrix);
    }

    /// <summary>Encodes all rows of a batch into a row-major matrix, ranges of rows side by side.</summary>
    /// <param name="batch">Rows with the columns of <see cref="Inputs"/>, in any order, others ignored.</param>
    /// <param name="matrix">batch.Length x Width.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming column and row.</exception>
    public void Encode(RecordBatch batch, Memory<float> matrix, int threads, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(matrix.Length, checked(batch.Length * Width));
        var bound = Bind(batch);
        RowRanges.ForEach(RowRanges.Split([batch.Length], RowRanges.Rows), threads,
            range => bound.Encode(range.Start, range.Count, matrix.Span.Slice(range.Start * Width, range.Count * Width)), cancellationToken);
    }

    /// <summary>Resolves the encoder's columns in a batch once, for many ranges of rows.</summary>
    internal BoundRows Bind(RecordBatch batch, long rowBase = 0)
    {
        var columns = _columns.Select(c => c.Find(batch)).ToArray();
        var transforms = new BoundTransform[_transforms.Length];
        for (var t = 0; t < transforms.Length; t++)
        {
            transforms[t] = _transforms[t].Bind(columns, rowBase);
        }

        return new BoundRows(transforms, _offsets, Width);
    }

    /// <summary>Resolves the encoder's columns in each batch of a table.</summary>
    internal BoundRows[] Bind(IReadOnlyList<RecordBatch> table, long rowBase = 0)
    {
        var bound = new BoundRows[table.Count];
        for (var b = 0; b < bound.Length; rowBase += table[b++].Length)
        {
            bound[b] = Bind(table[b], rowBase);
        }

        return bound;
    }

    private static float[]? ReadLabel(IReadOnlyList<RecordBatch> table, LabelEncoder? label)
    {
        if (label is null)
        {
            return null;
        }

        if (label.Classes.Length > 2)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The label '{label.Name}' has {label.Classes.Length} classes: target encoding takes a number or two classes.",
                "Use Category, OneHot or Hash instead.").With("column", label.Name);
        }

        var all = new float[table.Sum(b => (long)b.Length)];
        var done = 0;
        foreach (var batch in table)
        {
            label.Encode(batch, all.AsSpan(done, batch.Length), done);
            done += batch.Length;
        }

        return all;
    }

    private static (ImmutableArray<InputColumn> Columns, ImmutableArray<int>[] Inputs) Resolve(FeaturePlan plan, Schema schema)
    {
        var columns = ImmutableArray.CreateBuilder<InputColumn>();
        var indexes = new Dictionary<string, int>(StringComparer.Ordinal);
        var inputs = new ImmutableArray<int>[plan.Transforms.Length];
        for (var t = 0; t < inputs.Length; t++)
        {
            var spec = plan.Transforms[t];
            TransformFactory.Check(spec);
            var own = ImmutableArray.CreateBuilder<int>();
            foreach (var name in spec.Columns)
            {
                if (!indexes.TryGetValue(name, out var index))
                {
                    var field = InputColumn.IndexOf(schema, name);
                    if (field < 0)
                    {
                        throw new GristmillException(ErrorCodes.UnknownColumn,
                            $"Column '{name}' of the transform {spec.Kind} is missing; there are {string.Join(", ", schema.FieldsList.Select(f => $"'{f.Name}'"))}.",
                            "Name columns of the training table.").With("column", name);
                    }

                    index = columns.Count;
                    columns.Add(InputColumn.Of(schema.FieldsList[field]));
                    indexes.Add(name, index);
                }

                TransformFactory.CheckType(spec, columns[index]);
                own.Add(index);
            }

            inputs[t] = own.ToImmutable();
        }

        return (columns.ToImmutable(), inputs);
    }
}

/// <summary>One float of the encoded row.</summary>
/// <param name="Name">Such as "distance" or "origin=ATL".</param>
/// <param name="Column">The raw column it comes from.</param>
/// <param name="Categories">0 for a number; for a category code, the number of codes: values 0 (unseen or null) to Categories - 1.</param>
public sealed record EncodedFeature(string Name, string Column, int Categories);
