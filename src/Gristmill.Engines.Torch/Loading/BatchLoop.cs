using System.Threading.Channels;

namespace Gristmill.Engines.Torch;

/// <summary>One pass over an epoch's batches: made when asked for, or by one other thread ahead of the loop.</summary>
internal sealed class BatchLoop : IDisposable, IAsyncDisposable
{
    private readonly TorchDataLoader _loader;
    private readonly Func<int, TorchBatch> _make;
    private readonly int _batches;
    private readonly int _epoch;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _stop;
    private readonly Channel<TorchBatch>? _ready;
    private readonly Task _producer = Task.CompletedTask;
    private int _next;
    private bool _disposed;

    /// <param name="loader">Hears where the loop stands, and when it ends.</param>
    /// <param name="make">Makes a batch of the epoch, by its number.</param>
    /// <param name="batches">Batches of the epoch.</param>
    /// <param name="start">Where to begin.</param>
    /// <param name="prefetch">Batches made ahead; 0: none, and no other thread.</param>
    /// <param name="cancellationToken">Ends the loop.</param>
    public BatchLoop(
        TorchDataLoader loader, Func<int, TorchBatch> make, int batches, TorchDataLoaderPosition start, int prefetch, CancellationToken cancellationToken)
    {
        _loader = loader;
        _make = make;
        _batches = batches;
        _epoch = start.Epoch;
        _next = start.Batch;
        _cancellationToken = cancellationToken;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (prefetch > 0)
        {
            _ready = Channel.CreateBounded<TorchBatch>(new BoundedChannelOptions(prefetch) { SingleReader = true, SingleWriter = true });
            _producer = Task.Run(() => ProduceAsync(_ready.Writer, start.Batch, _stop.Token), CancellationToken.None);
        }
    }

    /// <summary>The batch that the loop's body has.</summary>
    public TorchBatch? Current { get; private set; }

    /// <summary>Releases the current batch and takes the next one; false at the end of the epoch.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The loader was disposed.</exception>
    public bool MoveNext()
    {
        Leave();
        if (_ready is null)
        {
            return Take(_next < _batches ? _make(_next) : null);
        }

        TorchBatch? batch;
        while (!_ready.Reader.TryRead(out batch))
        {
            // A loop that is not asynchronous has nothing better to do than to wait for the other thread.
            if (!IsMoreAsync(_ready.Reader).AsTask().GetAwaiter().GetResult())
            {
                break;
            }
        }

        return Take(batch);
    }

    /// <inheritdoc cref="MoveNext"/>
    public async ValueTask<bool> MoveNextAsync()
    {
        if (_ready is null)
        {
            return MoveNext();
        }

        Leave();
        TorchBatch? batch;
        while (!_ready.Reader.TryRead(out batch))
        {
            if (!await IsMoreAsync(_ready.Reader))
            {
                break;
            }
        }

        return Take(batch);
    }

    /// <summary>Ends the loop wherever it stands: the other thread has ended, and what it made is released.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _stop.Cancel();
            _producer.GetAwaiter().GetResult();
            Release();
        }
    }

    /// <inheritdoc cref="Dispose"/>
    public async ValueTask DisposeAsync()
    {
        if (!_disposed)
        {
            await _stop.CancelAsync();
            await _producer;
            Release();
        }
    }

    private async Task ProduceAsync(ChannelWriter<TorchBatch> ready, int first, CancellationToken cancellationToken)
    {
        try
        {
            for (var index = first; index < _batches; index++)
            {
                // First a free place, then the batch: never are more of them ready than were asked for.
                await ready.WaitToWriteAsync(cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                var made = ready.TryWrite(_make(index));
                System.Diagnostics.Debug.Assert(made, "this is the only writer, and there was a place");
            }

            ready.Complete();
        }
        catch (Exception e)
        {
            // Comes out at the loop, behind the batches before it.
            ready.Complete(e);
        }
    }

    private void Leave()
    {
        Current?.Release();
        Current = null;
        ObjectDisposedException.ThrowIf(_disposed, _loader);
        _cancellationToken.ThrowIfCancellationRequested();
    }

    private async ValueTask<bool> IsMoreAsync(ChannelReader<TorchBatch> ready)
    {
        try
        {
            return await ready.WaitToReadAsync(_cancellationToken);
        }
        catch (OperationCanceledException) when (_cancellationToken.IsCancellationRequested)
        {
            // The other thread may have been the first to see it, with a token that the caller does not know.
            throw new OperationCanceledException(_cancellationToken);
        }
    }

    private bool Take(TorchBatch? batch)
    {
        Current = batch;
        if (batch is null)
        {
            _loader.Passed(new TorchDataLoaderPosition(_epoch + 1, 0));
            return false;
        }

        _loader.Passed(new TorchDataLoaderPosition(_epoch, ++_next));
        return true;
    }

    private void Release()
    {
        _disposed = true;
        Current?.Release();
        Current = null;
        while (_ready?.Reader.TryRead(out var batch) is true)
        {
            batch.Release();
        }

        _stop.Dispose();
        _loader.Left(this);
    }
}
