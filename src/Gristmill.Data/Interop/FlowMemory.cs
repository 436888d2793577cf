using System.Collections.Concurrent;
using System.Numerics;

namespace Gristmill.Data.Interop;

/// <summary>
/// The memory of a flow's blocks: slabs that are used again, since pages that are fresh cost more than what is done with them. Counts what is in use.
/// </summary>
internal sealed class FlowMemory : IDisposable
{
    /// <summary>Bytes of most slabs; what is larger gets one of a power of two.</summary>
    public const int SlabBytes = 1 << 18;

    private readonly ConcurrentDictionary<int, ConcurrentBag<NativeSlab>> _idle = new();
    private readonly long _idleLimit;
    private long _idleBytes;
    private long _inUse;
    private long _peak;
    private int _disposed;

    /// <param name="idleLimit">Bytes that are kept for use again.</param>
    public FlowMemory(long idleLimit) => _idleLimit = idleLimit;

    /// <summary>Memory that goes back is overwritten first, so that a test sees who still reads it.</summary>
    internal static bool Poison { get; set; }

    public long InUse => Interlocked.Read(ref _inUse);

    public long Peak => Interlocked.Read(ref _peak);

    public NativeSlab Rent(int bytes)
    {
        var length = bytes <= SlabBytes ? SlabBytes : bytes <= 1 << 30 ? (int)BitOperations.RoundUpToPowerOf2((uint)bytes) : bytes;
        Count(length);
        if (_idle.TryGetValue(length, out var bag) && bag.TryTake(out var slab))
        {
            Interlocked.Add(ref _idleBytes, -length);
            return slab;
        }

        return new NativeSlab(length);
    }

    public void Return(NativeSlab slab)
    {
        Count(-slab.Length);
        if (Poison)
        {
            slab.GetSpan().Fill(0xDD);
        }

        if (_disposed != 0 || Interlocked.Add(ref _idleBytes, slab.Length) > _idleLimit)
        {
            Interlocked.Add(ref _idleBytes, -slab.Length);
            slab.Free();
            return;
        }

        _idle.GetOrAdd(slab.Length, static _ => []).Add(slab);
        if (_disposed != 0)
        {
            FreeIdle();
        }
    }

    /// <summary>Counts memory of somebody else's as in use, or as no longer so.</summary>
    public void Count(long bytes)
    {
        var now = Interlocked.Add(ref _inUse, bytes);
        var peak = Peak;
        while (now > peak && Interlocked.CompareExchange(ref _peak, now, peak) is var seen && seen != peak)
        {
            peak = seen;
        }
    }

    /// <summary>Frees what is idle; what is in use is freed as it comes back.</summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _disposed, 1);
        FreeIdle();
    }

    private void FreeIdle()
    {
        foreach (var bag in _idle.Values)
        {
            while (bag.TryTake(out var slab))
            {
                Interlocked.Add(ref _idleBytes, -slab.Length);
                slab.Free();
            }
        }
    }
}
