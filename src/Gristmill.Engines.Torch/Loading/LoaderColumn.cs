using Gristmill.Engines.Torch.Interop;
using Gristmill.Objects;
using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>A column as tensors, one a part of the table, all of one type and one shape a row. Slices and gathers may be asked for by any one thread at a time.</summary>
internal sealed class LoaderColumn : IDisposable
{
    private readonly torch.Tensor[] _parts;
    private readonly long[] _ends;
    private readonly long[] _shape;
    private readonly torch.ScalarType _type;
    private readonly long _rowBytes;
    private readonly RowGather _gather;
    private readonly BatchBuffers _buffers;

    private LoaderColumn(string name, torch.Tensor[] parts, TorchDataLoaderOptions options)
    {
        Name = name;
        _parts = parts;
        _ends = new long[parts.Length];
        var rows = 0L;
        for (var i = 0; i < parts.Length; i++)
        {
            _ends[i] = rows += parts[i].shape[0];
        }

        _type = parts[0].dtype;
        _shape = [.. parts[0].shape];
        _rowBytes = _shape.Skip(1).Aggregate(parts[0].ElementSize, (a, b) => checked(a * b));
        // A sampler may give a row more often than once.
        var most = options.Sampler is null ? Math.Min(options.BatchSize, Math.Max(1, rows)) : options.BatchSize;
        var bytes = checked(most * _rowBytes);
        if (bytes > Array.MaxLength / 2)
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"Data loader: a batch of {most} rows of {_rowBytes} bytes in column '{name}' would have {bytes} bytes; at most {Array.MaxLength / 2} are possible.",
                "Lower BatchSize.");
        }

        _gather = new RowGather([.. parts.Select(p => p.numel() == 0 ? 0 : ForeignTensors.Address(p))], _ends, _rowBytes);
        // As many as there are at once: those made ready, the loop's own, and the one before, which its step may still hold.
        _buffers = new BatchBuffers((int)bytes, options.Prefetch + 2);
    }

    public string Name { get; }

    public long Rows => _ends[^1];

    /// <summary>A column of an object.</summary>
    /// <exception cref="GristmillException">unknown_column, type_mismatch, bad_value, invalid.</exception>
    public static LoaderColumn Open(ObjectLease lease, string column, TorchDataLoaderOptions options)
    {
        var parts = lease.AsTensors(column, options.Nulls);
        foreach (var part in parts)
        {
            part.DetachFromDisposeScope();
        }

        return Create(column, [.. parts], options);
    }

    /// <summary>A tensor whose memory the column shares; one that is not contiguous is copied.</summary>
    public static LoaderColumn Of(string name, torch.Tensor tensor, TorchDataLoaderOptions options)
    {
        using var detached = tensor.detach();
        return Create(name, [detached.contiguous().DetachFromDisposeScope()], options);
    }

    /// <summary>Consecutive rows as a view, or null where they lie in two parts.</summary>
    public torch.Tensor? Slice(long first, long count)
    {
        var part = Array.BinarySearch(_ends, first + 1);
        part = part < 0 ? ~part : part;
        var start = part == 0 ? 0 : _ends[part - 1];
        return first + count <= _ends[part] ? _parts[part].narrow(0, first - start, count).DetachFromDisposeScope() : null;
    }

    /// <summary>Any rows, copied.</summary>
    /// <param name="rows">Numbers from 0 to <see cref="Rows"/> - 1, as many as a batch has at most.</param>
    public torch.Tensor Gather(ReadOnlyMemory<long> rows)
    {
        _shape[0] = rows.Length;
        var bytes = (int)(rows.Length * _rowBytes);
        var tensor = bytes == 0 ? torch.empty(_shape, dtype: _type) : _buffers.Create(bytes, _type, _shape, target => _gather.Copy(rows.Span, target));
        return tensor.DetachFromDisposeScope();
    }

    /// <summary>Bytes of so many rows.</summary>
    public long Bytes(long rows) => rows * _rowBytes;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in _parts)
        {
            part.Dispose();
        }
    }

    private static LoaderColumn Create(string name, torch.Tensor[] parts, TorchDataLoaderOptions options)
    {
        try
        {
            var filled = parts.Where(p => p.shape[0] > 0).ToArray();
            if (filled.Length == 0)
            {
                filled = parts[..1];
            }

            foreach (var part in parts)
            {
                // By reference: tensors are equal if their values are, which NaN never is.
                if (!filled.Any(f => ReferenceEquals(f, part)))
                {
                    part.Dispose();
                }
            }

            return new LoaderColumn(name, filled, options);
        }
        catch
        {
            Array.ForEach(parts, p => p.Dispose());
            throw;
        }
    }
}
