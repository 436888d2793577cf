using System.Collections;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gristmill.Objects;
using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>
/// The rows of an object, or of tensors, in batches, epoch after epoch, as torch's DataLoader gives them to Python:
/// <c>foreach (var (x, y) in loader)</c> is one epoch.
/// </summary>
/// <remarks>
/// <para>
/// In order, a batch's tensors are slices of the mapping: nothing is copied, except for a batch that lies across two record batches (counted under
/// "torch"). Shuffled or sampled, its rows are gathered into buffers that are used again once nothing sees them any more; that is part of the step, like index_select, and not counted.
/// Tables of many record batches are never joined for it.
/// </para>
/// <para>
/// Each loop is an epoch, also one that was broken off: the next one is the next epoch, unless <see cref="Seek"/> says otherwise. The order of an epoch depends on seed, epoch and
/// number of rows alone, so that runs repeat to the last bit, and one that goes on from a <see cref="Position"/> sees what it would have seen.
/// </para>
/// <para>For one thread, with one loop at a time. It holds its own share of the lease until it and the last tensor of its batches are gone.</para>
/// </remarks>
public sealed class TorchDataLoader : IEnumerable<TorchBatch>, IDisposable
{
    private const string Bridge = "torch";

    private readonly List<LoaderColumn> _columns;
    private readonly TorchDataLoaderOptions _options;
    private readonly torch.Device? _device;
    private BatchLoop? _loop;
    private TorchDataLoaderPosition _start;
    private bool _disposed;

    private TorchDataLoader(List<LoaderColumn> columns, TorchDataLoaderOptions options)
    {
        _columns = columns;
        _options = options;
        _device = options.Device is null ? null : new torch.Device(options.Device);
        Columns = [.. columns.Select(c => c.Name)];
        Rows = columns[0].Rows;
        Length = EpochOrder.InOrder(options, Rows).Batches;
    }

    /// <summary>Names of the columns, in the order of a batch's tensors.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Rows of the table, of all workers together.</summary>
    public long Rows { get; }

    /// <summary>Batches that this worker gets in an epoch of all rows. What a sampler gives may be more or less.</summary>
    public int Length { get; }

    /// <summary>Where the loop stands, or stood when it ended: its epoch and the batches it has handed out; behind the last one the next epoch. To be kept in a checkpoint, with the batch's weights.</summary>
    public TorchDataLoaderPosition Position { get; private set; }

    /// <summary>A loader of an object.</summary>
    /// <param name="lease">The object; the loader takes shares of its own.</param>
    /// <param name="columns">The columns of a batch, of types that <see cref="ArrowTensors"/> takes; null: all.</param>
    /// <param name="options">How to make batches; null: as they are by default.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Invalid"/>: the options, or no columns. <see cref="ErrorCodes.UnknownColumn"/>, <see cref="ErrorCodes.TypeMismatch"/> or
    /// <see cref="ErrorCodes.BadValue"/>: a column that is missing, is no tensor, or has nulls.
    /// </exception>
    public static TorchDataLoader Open(ObjectLease lease, IReadOnlyList<string>? columns = null, TorchDataLoaderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return Create(columns ?? [.. lease.Schema.FieldsList.Select(f => f.Name)], options ?? new(), static (lease, _, column, options) => LoaderColumn.Open(lease, column, options), lease);
    }

    /// <summary>A loader of tensors in the CPU's memory with as many rows each. Their memory is shared, and may be disposed by the caller; they get no gradients.</summary>
    /// <param name="tensors">At least one, [rows, ...] each; in batches they are named "0", "1" and so on.</param>
    /// <param name="options">How to make batches; null: as they are by default.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the options, or tensors that do not go together.</exception>
    public static TorchDataLoader Of(IReadOnlyList<torch.Tensor> tensors, TorchDataLoaderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        for (var i = 0; i < tensors.Count; i++)
        {
            var (tensor, rows) = (tensors[i], tensors[0].dim() > 0 ? tensors[0].shape[0] : 0);
            if (tensor.device_type != DeviceType.CPU || tensor.dim() == 0 || tensor.shape[0] != rows)
            {
                throw new GristmillException(ErrorCodes.Invalid,
                    $"Data loader: tensor {i} is [{string.Join(", ", tensor.shape)}] on {tensor.device}, but must have the first one's {rows} rows and lie in the CPU's memory.",
                    "Give tensors of [rows, ...]; Device says where batches go.");
            }
        }

        var names = Enumerable.Range(0, tensors.Count).Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return Create([.. names], options ?? new(), static (tensors, i, name, options) => LoaderColumn.Of(name, tensors[i], options), tensors);
    }

    /// <summary>Has the next loop begin at an epoch, and at a batch of it: where a checkpoint was made, or the epoch that all workers are in.</summary>
    /// <param name="position">The epoch, and how many of its batches to leave out: from 0 to all of them, which leaves a loop of none.</param>
    /// <exception cref="InvalidOperationException">A loop is open.</exception>
    public void Seek(TorchDataLoaderPosition position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position.Epoch, nameof(position));
        ArgumentOutOfRangeException.ThrowIfNegative(position.Batch, nameof(position));
        ThrowIfOpen();
        _start = Position = position;
    }

    /// <summary>The batches of the next epoch, as <c>foreach</c> over the loader gives them.</summary>
    /// <param name="cancellationToken">Ends the loop with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidOperationException">Another loop is open.</exception>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Invalid"/>: <see cref="Seek"/> left out more batches than there are. <see cref="ErrorCodes.BadValue"/>,
    /// <see cref="ErrorCodes.TypeMismatch"/>: what the sampler gave. <see cref="ErrorCodes.StageFailed"/>: torch's own, such as a device that is full.
    /// </exception>
    public IEnumerable<TorchBatch> Read(CancellationToken cancellationToken = default)
    {
        using var loop = Begin(cancellationToken);
        while (loop.MoveNext())
        {
            yield return loop.Current!;
        }
    }

    /// <summary>The batches of the next epoch for <c>await foreach</c>: waits for a batch that another thread makes without holding this one.</summary>
    /// <remarks>A dispose scope belongs to its thread: open and close it between two awaits.</remarks>
    /// <inheritdoc cref="Read"/>
    public async IAsyncEnumerable<TorchBatch> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var loop = Begin(cancellationToken);
        while (await loop.MoveNextAsync())
        {
            yield return loop.Current!;
        }
    }

    /// <inheritdoc/>
    public IEnumerator<TorchBatch> GetEnumerator() => Read().GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Ends a loop that is open, and gives the lease's share back.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _loop?.Dispose();
            foreach (var column in _columns)
            {
                column.Dispose();
            }
        }
    }

    internal void Passed(TorchDataLoaderPosition position) => Position = position;

    internal void Left(BatchLoop loop)
    {
        if (_loop == loop)
        {
            _loop = null;
        }
    }

    private static TorchDataLoader Create<T>(
        IReadOnlyList<string> names, TorchDataLoaderOptions options, Func<T, int, string, TorchDataLoaderOptions, LoaderColumn> open, T from)
    {
        TorchDataLoaderOptionsValidator.Validate(options);
        if (names.Count == 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, "Data loader: there are no columns to make batches of.", "Name at least one.");
        }

        var columns = new List<LoaderColumn>();
        try
        {
            for (var i = 0; i < names.Count; i++)
            {
                columns.Add(open(from, i, names[i], options));
            }

            return new TorchDataLoader(columns, options);
        }
        catch
        {
            columns.ForEach(c => c.Dispose());
            throw;
        }
    }

    private BatchLoop Begin(CancellationToken cancellationToken)
    {
        ThrowIfOpen();
        cancellationToken.ThrowIfCancellationRequested();
        var order = EpochOrder.Of(_options, Rows, _start.Epoch);
        if (_start.Batch > order.Batches)
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"Data loader: {_start.Batch} batches of epoch {_start.Epoch} are to be left out, but it has {order.Batches}.",
                "Go on with the table, batch size and world size that the position is of.");
        }

        Position = _start;
        var epoch = _start.Epoch;
        _loop = new BatchLoop(this, index => Make(order, epoch, index), order.Batches, _start, _options.Prefetch, cancellationToken);
        _start = new TorchDataLoaderPosition(_start.Epoch + 1, 0);
        return _loop;
    }

    private TorchBatch Make(EpochOrder order, int epoch, int index)
    {
        var tensors = new torch.Tensor[_columns.Count];
        try
        {
            var (start, rows) = (order.Start(index), order.Rows(index));
            ReadOnlyMemory<long>? numbers = null;
            for (var i = 0; i < tensors.Length; i++)
            {
                var column = _columns[i];
                if (start is { } first && column.Slice(first, rows) is { } slice)
                {
                    tensors[i] = slice;
                }
                else
                {
                    tensors[i] = column.Gather(numbers ??= order.Numbers(index));
                    if (start is not null)
                    {
                        CopyCounter.Add(Bridge, column.Bytes(rows));
                    }
                }

                tensors[i] = Moved(tensors[i]);
            }

            return new TorchBatch(epoch, index, Columns, tensors);
        }
        catch (Exception e)
        {
            Array.ForEach(tensors, t => t?.Dispose());
            if (e is ExternalException)
            {
                throw TorchErrors.Of(e.Message, e);
            }

            throw;
        }
    }

    private void ThrowIfOpen()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_loop is not null)
        {
            throw new InvalidOperationException("A loop over the data loader is open: one at a time.");
        }
    }

    // Page-locked memory goes to the device without the CPU, and torch's allocator for it waits for the transfer before it uses it again.
    private torch.Tensor Moved(torch.Tensor tensor)
    {
        if (_device is not { } device || device.type == tensor.device_type)
        {
            return tensor;
        }

        var pin = _options.PinMemory && device.type == DeviceType.CUDA;
        var source = pin ? tensor.pin_memory() : tensor;
        try
        {
            return source.to(device, non_blocking: pin).DetachFromDisposeScope();
        }
        finally
        {
            tensor.Dispose();
            source.Dispose();
        }
    }
}
