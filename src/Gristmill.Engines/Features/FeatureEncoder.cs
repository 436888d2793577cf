using System.Collections.Immutable;
using Apache.Arrow;
using Gristmill.Objects;

namespace Gristmill.Engines;

/// <summary>
/// Fitted transforms: raw columns in, one dense row of 32-bit floats out. Fitted once on training rows, kept in the
/// model package as features.json, applied by the same code in training, evaluation and serving. Immutable and safe for
/// many threads.
/// </summary>
public sealed class FeatureEncoder
{
    internal FeatureEncoder() { }

    /// <summary>Columns it reads, in the order of the plan.</summary>
    public ImmutableArray<ColumnSignature> Inputs => throw new NotImplementedException();

    /// <summary>The features it writes, <see cref="Width"/> of them.</summary>
    public ImmutableArray<EncodedFeature> Features => throw new NotImplementedException();

    /// <summary>Floats per row.</summary>
    public int Width => Features.Length;

    /// <summary>Fits a plan on the batches of a table.</summary>
    /// <param name="plan">What to do with which column.</param>
    /// <param name="table">Training rows.</param>
    /// <param name="label">Label column, for target encoding; null if no transform needs it.</param>
    public static FeatureEncoder Fit(FeaturePlan plan, IReadOnlyList<RecordBatch> table, string? label) => throw new NotImplementedException();

    /// <summary>Encodes all rows of a batch into a row-major matrix.</summary>
    /// <param name="batch">Rows with the columns of <see cref="Inputs"/>, in any order, others ignored.</param>
    /// <param name="matrix">batch.Length x Width.</param>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming column and row.</exception>
    public void Encode(RecordBatch batch, Span<float> matrix) => throw new NotImplementedException();

    /// <summary>
    /// Encodes a table into a new object with one batch of two columns: "features", a fixed-size list of Width floats
    /// (row-major, contiguous: a matrix to torch, LightGBM, ONNX Runtime and ML.NET without a copy), and, if a label is
    /// named, "label", float.
    /// </summary>
    public ObjectRef EncodeTo(ObjectStore store, IReadOnlyList<RecordBatch> table, string? label) => throw new NotImplementedException();

    /// <summary>Reads features.json.</summary>
    public static FeatureEncoder Load(ReadOnlySpan<byte> json) => throw new NotImplementedException();

    /// <summary>Writes features.json.</summary>
    public byte[] Save() => throw new NotImplementedException();
}

/// <summary>One float of the encoded row.</summary>
/// <param name="Name">Such as "distance" or "origin=ATL".</param>
/// <param name="Column">The raw column it comes from.</param>
/// <param name="Categories">0 for a number; for a category code, the number of codes: values 0 (unseen or null) to Categories - 1.</param>
public sealed record EncodedFeature(string Name, string Column, int Categories);
