using System.Collections.Immutable;
using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>
/// One fitted transform: some columns in, some floats out. The two ways in, a block of rows of a table and one JSON row, share the
/// arithmetic, so that both give the same bits. To add a transform: a kind in <see cref="TransformKind"/>, a subclass with both ways,
/// a case in <see cref="TransformFactory"/>, a paragraph in docs/features.md.
/// </summary>
internal abstract class Transform(TransformSpec spec, ImmutableArray<int> inputs)
{
    /// <summary>What was asked for.</summary>
    public TransformSpec Spec { get; } = spec;

    /// <summary>Indexes of its columns in the encoder's inputs.</summary>
    public ImmutableArray<int> Inputs { get; } = inputs;

    /// <summary>The floats it writes.</summary>
    public abstract ImmutableArray<EncodedFeature> Features { get; }

    /// <summary>Whether null is taken.</summary>
    public abstract bool TakesNull { get; }

    /// <summary>Whether it looks values up, so that JSON rows must give exact keys or text.</summary>
    public abstract bool UsesKeys { get; }

    /// <summary>Prepares for a batch.</summary>
    /// <param name="columns">The encoder's inputs in the batch.</param>
    /// <param name="rowBase">The table's row number of the batch's first row, for errors.</param>
    public abstract BoundTransform Bind(IArrowArray[] columns, long rowBase);

    /// <summary>Encodes one JSON row into this transform's floats.</summary>
    public abstract void EncodeRow(ReadOnlySpan<Cell> cells, ReadOnlySpan<byte> text, Span<float> features, long row);

    /// <summary>What it takes to make it again.</summary>
    public abstract FittedTransform Save();
}

/// <summary>A transform bound to the columns of one batch. Safe for many threads.</summary>
internal abstract class BoundTransform
{
    /// <summary>Encodes at most <see cref="Block.Rows"/> rows.</summary>
    /// <param name="start">First row of the batch.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="matrix">The matrix from this transform's first float of the first row on.</param>
    /// <param name="width">Floats from row to row.</param>
    public abstract void Encode(int start, int count, Span<float> matrix, int width);
}

/// <summary>A transform that turns one column's codes into floats.</summary>
internal sealed class BoundCodes(CodeSource source, CodeWriter writer) : BoundTransform
{
    public override void Encode(int start, int count, Span<float> matrix, int width)
    {
        Span<int> codes = stackalloc int[count];
        source.Read(start, codes);
        writer.Write(codes, matrix, width);
    }
}

/// <summary>Writes codes as floats.</summary>
internal abstract class CodeWriter
{
    public abstract void Write(ReadOnlySpan<int> codes, Span<float> matrix, int width);
}

/// <summary>Writes a code as it is.</summary>
internal sealed class PlainCodeWriter : CodeWriter
{
    public static PlainCodeWriter Instance { get; } = new();

    public override void Write(ReadOnlySpan<int> codes, Span<float> matrix, int width)
    {
        for (int i = 0, at = 0; i < codes.Length; i++, at += width)
        {
            matrix[at] = codes[i];
        }
    }
}
