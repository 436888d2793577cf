using System.Collections.Immutable;
using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>The training rows as transforms see them while they are fitted.</summary>
internal sealed class FitTable
{
    private readonly IReadOnlyList<IArrowArray[]> _batches;
    private readonly float[]? _label;
    private readonly CancellationToken _cancellation;

    public FitTable(ImmutableArray<InputColumn> inputs, IReadOnlyList<IArrowArray[]> batches, string? labelName, float[]? label, CancellationToken cancellation)
    {
        Inputs = inputs;
        LabelName = labelName;
        _batches = batches;
        _label = label;
        _cancellation = cancellation;
    }

    public delegate void NumberBlock(long row, ReadOnlySpan<double> values);

    public ImmutableArray<InputColumn> Inputs { get; }

    public string? LabelName { get; }

    /// <summary>The label of every row, or an error that says which transform needs it.</summary>
    public float[] Label(TransformSpec spec) => _label ?? throw new GristmillException(ErrorCodes.Invalid,
        $"The transform {spec.Kind} of '{string.Join("', '", spec.Columns)}' needs a label, and none is named.", "Name the label column.");

    public void ForEachNumbers(int input, NumberBlock visit)
    {
        Span<double> values = stackalloc double[Block.Rows];
        long rowBase = 0;
        foreach (var batch in _batches)
        {
            var array = batch[input];
            for (var start = 0; start < array.Length; start += Block.Rows)
            {
                _cancellation.ThrowIfCancellationRequested();
                var block = values[..Math.Min(Block.Rows, array.Length - start)];
                NumberReader.Read(array, Inputs[input], start, block);
                visit(rowBase + start, block);
            }

            rowBase += array.Length;
        }
    }

    /// <summary>The distinct values of a column, and each row's code in the order of first sight.</summary>
    public (ValueIndex Index, int[] Codes) Codes(int input)
    {
        var rows = _batches.Sum(b => (long)b[input].Length);
        if (rows > System.Array.MaxLength)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{rows} training rows are more than one fit takes ({System.Array.MaxLength}).", "Fit on a sample.");
        }

        var column = Inputs[input];
        var index = new ValueIndex(column.Type);
        var learning = new LearningCoder(index, column);
        var codes = new int[rows];
        var done = 0;
        foreach (var batch in _batches)
        {
            var source = new CodeSource(learning, column, batch[input], done);
            for (var start = 0; start < batch[input].Length; start += 64 * Block.Rows)
            {
                _cancellation.ThrowIfCancellationRequested();
                var count = Math.Min(64 * Block.Rows, batch[input].Length - start);
                source.Read(start, codes.AsSpan(done + start, count));
            }

            done += batch[input].Length;
        }

        return (index, codes);
    }
}
