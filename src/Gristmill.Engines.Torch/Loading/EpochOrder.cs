using System.Numerics.Tensors;
using Gristmill.Engines.Torch.Interop;
using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>The rows of one epoch in their order, and which of them are this worker's.</summary>
internal sealed class EpochOrder
{
    private readonly long[]? _rows;
    private readonly long _total;
    private readonly long _first;
    private readonly long _count;
    private readonly int _batchSize;

    private EpochOrder(TorchDataLoaderOptions options, long total, long[]? rows)
    {
        _rows = rows;
        _total = total;
        _batchSize = options.BatchSize;
        // The last workers' parts go on from the order's beginning, so that all have as many batches: an all-reduce waits for every worker.
        var each = options.DropLast || total == 0 ? total / options.WorldSize : ((total - 1) / options.WorldSize) + 1;
        _first = each * options.Rank;
        _count = each;
        var batches = options.DropLast ? each / _batchSize : (each + _batchSize - 1) / _batchSize;
        Batches = checked((int)batches);
    }

    /// <summary>Batches of this worker.</summary>
    public int Batches { get; }

    /// <summary>The order of rows as they lie.</summary>
    public static EpochOrder InOrder(TorchDataLoaderOptions options, long rows) => new(options, rows, null);

    /// <summary>The order of an epoch.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.BadValue"/>, <see cref="ErrorCodes.TypeMismatch"/>: what the sampler gave.</exception>
    public static EpochOrder Of(TorchDataLoaderOptions options, long rows, int epoch)
    {
        if (options.Sampler is null && !options.Shuffle)
        {
            return InOrder(options, rows);
        }

        using var scope = torch.NewDisposeScope();
        if (options.Sampler is { } sampler)
        {
            var sampled = Sampled(sampler(epoch), rows);
            return new EpochOrder(options, sampled.Length, sampled);
        }

        using var generator = new torch.Generator(Mix(options.Seed, epoch), torch.CPU);
        var order = torch.randperm(rows, torch.ScalarType.Int64, generator: generator);
        return new EpochOrder(options, rows, ForeignTensors.AsSpan<long>(order).ToArray());
    }

    /// <summary>Where a batch begins, if its rows lie one behind the other; null if they have to be looked up.</summary>
    public long? Start(int batch)
    {
        var position = _first + ((long)batch * _batchSize);
        return _rows is null && position % _total <= _total - Rows(batch) ? position % _total : null;
    }

    /// <summary>Rows of a batch.</summary>
    public long Rows(int batch) => Math.Min(_batchSize, _count - ((long)batch * _batchSize));

    /// <summary>Numbers of a batch's rows.</summary>
    public ReadOnlyMemory<long> Numbers(int batch)
    {
        var position = _first + ((long)batch * _batchSize);
        var count = (int)Rows(batch);
        if (_rows is not null && position + count <= _total)
        {
            return _rows.AsMemory((int)position, count);
        }

        var numbers = new long[count];
        for (var i = 0; i < count; i++)
        {
            var at = (position + i) % _total;
            numbers[i] = _rows is null ? at : _rows[at];
        }

        return numbers;
    }

    private static long[] Sampled(torch.Tensor order, long rows)
    {
        ArgumentNullException.ThrowIfNull(order);
        if (order.dtype != torch.ScalarType.Int64 || order.dim() != 1)
        {
            throw new GristmillException(ErrorCodes.TypeMismatch,
                $"The sampler of the data loader gave a tensor of {order.dtype} with {order.dim()} dimensions, but must give rows as [n] of Int64.",
                "Give what randperm, arange or multinomial give.");
        }

        var numbers = ForeignTensors.AsSpan<long>(order.cpu().contiguous()).ToArray();
        if (numbers.Length > 0 && (TensorPrimitives.Min<long>(numbers) < 0 || TensorPrimitives.Max<long>(numbers) >= rows))
        {
            var wrong = numbers.First(n => n < 0 || n >= rows);
            throw new GristmillException(ErrorCodes.BadValue, $"The sampler of the data loader gave row {wrong}, but there are {rows}.",
                "Give numbers of rows, from 0.");
        }

        return numbers;
    }

    // SplitMix64 (Steele, Lea, Flood 2014): torch's generator takes 32 bits of its seed, and these depend on all of both numbers.
    private static ulong Mix(long seed, int epoch)
    {
        var z = unchecked((ulong)seed + (((ulong)epoch + 1) * 0x9E3779B97F4A7C15));
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }
}
