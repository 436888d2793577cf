using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>
/// A batch of rows: a tensor a column. The tensors belong to the loop, which disposes them when it goes to the next batch or ends; they are in no dispose scope.
/// </summary>
/// <remarks>
/// What shares a tensor's memory keeps it: <c>tensor.alias()</c>, a view, or what autograd saved for the backward pass stay as they are, however far the loop went. Tensors of
/// a loop in order lie in the read-only mapping: use <see cref="ArrowTensors.Writable"/> before an in-place operation.
/// </remarks>
public sealed class TorchBatch
{
    private readonly IReadOnlyList<string> _columns;

    internal TorchBatch(int epoch, int index, IReadOnlyList<string> columns, torch.Tensor[] tensors)
    {
        Epoch = epoch;
        Index = index;
        _columns = columns;
        Tensors = tensors;
    }

    /// <summary>Number of the epoch, from 0.</summary>
    public int Epoch { get; }

    /// <summary>Number of the batch in its epoch, from 0.</summary>
    public int Index { get; }

    /// <summary>Its rows.</summary>
    public long Rows => Tensors[0].shape[0];

    /// <summary>A tensor a column, in the loader's order: [<see cref="Rows"/>], or [<see cref="Rows"/>, ...] for fixed-size lists and tensors of several dimensions.</summary>
    public IReadOnlyList<torch.Tensor> Tensors { get; }

    /// <summary>The tensor of a column.</summary>
    /// <param name="column">Its name.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.UnknownColumn"/>, naming the columns there are.</exception>
    public torch.Tensor this[string column]
    {
        get
        {
            for (var i = 0; i < _columns.Count; i++)
            {
                if (_columns[i] == column)
                {
                    return Tensors[i];
                }
            }

            throw new GristmillException(ErrorCodes.UnknownColumn,
                $"The batch has no column '{column}'; there are {string.Join(", ", _columns.Select(c => $"'{c}'"))}.").With("column", column);
        }
    }

    /// <summary>The first two columns, as in <c>foreach (var (x, y) in loader)</c>.</summary>
    /// <param name="first">Such as the features.</param>
    /// <param name="second">Such as the label.</param>
    public void Deconstruct(out torch.Tensor first, out torch.Tensor second) => (first, second) = (Tensors[0], Tensors[1]);

    /// <summary>The first three columns.</summary>
    /// <param name="first">Such as the features.</param>
    /// <param name="second">Such as the label.</param>
    /// <param name="third">Such as the weight.</param>
    public void Deconstruct(out torch.Tensor first, out torch.Tensor second, out torch.Tensor third) =>
        (first, second, third) = (Tensors[0], Tensors[1], Tensors[2]);

    internal void Release()
    {
        foreach (var tensor in Tensors)
        {
            tensor.Dispose();
        }
    }
}
