using System.Runtime.ConstrainedExecution;

namespace Gristmill.Objects.Platform;

/// <summary>Mapped memory that buffers point into. Buffers hold it, so that it is finalised only after the last of them.</summary>
internal abstract class MappedMemory : CriticalFinalizerObject, IDisposable
{
    private int _released;

    ~MappedMemory() => ReleaseOnce();

    /// <summary>Whether it was unmapped: touching it then would end the process.</summary>
    public bool IsReleased => Volatile.Read(ref _released) != 0;

    public void Dispose()
    {
        ReleaseOnce();
        GC.SuppressFinalize(this);
    }

    /// <summary>Told of each address that is given out, and (by -1) given back.</summary>
    public virtual void CountPin(int by) { }

    protected abstract void Release();

    private void ReleaseOnce()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
        {
            Release();
        }
    }
}
