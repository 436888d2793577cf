using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>How a <see cref="TorchDataLoader"/> makes batches of a table.</summary>
public sealed record TorchDataLoaderOptions
{
    /// <summary>Rows of a batch; at least 1. The last one of an epoch may have fewer.</summary>
    /// <value>256.</value>
    public int BatchSize { get; init; } = 256;

    /// <summary>Whether each epoch has an order of its own, made of <see cref="Seed"/> and the epoch's number. If not, rows come as they lie.</summary>
    /// <value>False.</value>
    public bool Shuffle { get; init; }

    /// <summary>What the orders of <see cref="Shuffle"/> are made of. torch's own generator is neither read nor moved on.</summary>
    /// <value>0.</value>
    public long Seed { get; init; }

    /// <summary>
    /// Gives the rows of an epoch in their order, [n] of int64 from 0 to the table's rows - 1: some of the rows, or some of them more often. Called with
    /// the epoch's number when its loop begins, on the loop's thread; what it makes is disposed, unless it moves it to a dispose scope of its own. Not together with <see cref="Shuffle"/>.
    /// </summary>
    /// <value>Null: all rows.</value>
    public Func<int, torch.Tensor>? Sampler { get; init; }

    /// <summary>Whether a last batch of fewer than <see cref="BatchSize"/> rows is left out.</summary>
    /// <value>False.</value>
    public bool DropLast { get; init; }

    /// <summary>Batches that another thread makes ready while the loop's body runs, 0 to 64. Worth it where rows are wide, lie on disk or go to another device.</summary>
    /// <value>0: each is made when it is asked for.</value>
    public int Prefetch { get; init; }

    /// <summary>Which of <see cref="WorldSize"/> workers this is, from 0: it gets its own part of each epoch's order.</summary>
    /// <value>0.</value>
    public int Rank { get; init; }

    /// <summary>
    /// How many workers share an epoch; all with the same table, seed and batch size. Each gets as many rows: with <see cref="DropLast"/> those that are too many for that are
    /// left out, otherwise the first ones of the order come twice.
    /// </summary>
    /// <value>1.</value>
    public int WorldSize { get; init; } = 1;

    /// <summary>Where batches are wanted, as torch calls it: "cpu", "cuda", "cuda:1". Refused where torch has no such device.</summary>
    /// <value>Null: in the memory of the CPU.</value>
    public string? Device { get; init; }

    /// <summary>Whether a batch for a CUDA device goes there by way of page-locked memory, without waiting for the transfer. Of no effect on other devices.</summary>
    /// <value>True.</value>
    public bool PinMemory { get; init; } = true;

    /// <summary>What to do with nulls.</summary>
    /// <value><see cref="NullHandling.Refuse"/>.</value>
    public NullHandling Nulls { get; init; }
}
