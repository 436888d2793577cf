namespace Gristmill.Engines.MLNet;

/// <summary>
/// Hands out row functions to one thread at a time. ML.NET's row functions keep state between rows; shared by threads
/// they give wrong answers without a word.
/// </summary>
/// <param name="make">Makes one.</param>
internal sealed class RowFunctionPool<T>(Func<T> make) : IDisposable
    where T : class, IDisposable
{
    private readonly T?[] _slots = new T?[Math.Max(8, 2 * Environment.ProcessorCount)];
    private volatile bool _disposed;

    internal T Rent()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var slot = Thread.GetCurrentProcessorId() % _slots.Length;
        return Interlocked.Exchange(ref _slots[slot], null) ?? Interlocked.Exchange(ref _slots[0], null) ?? make();
    }

    internal void Return(T function)
    {
        var slot = Thread.GetCurrentProcessorId() % _slots.Length;
        Interlocked.Exchange(ref _slots[slot], function)?.Dispose();
        if (_disposed)
        {
            Interlocked.Exchange(ref _slots[slot], null)?.Dispose();
        }
    }

    public void Dispose()
    {
        _disposed = true;
        for (var i = 0; i < _slots.Length; i++)
        {
            Interlocked.Exchange(ref _slots[i], null)?.Dispose();
        }
    }
}
