using System.Runtime.InteropServices;
using TorchSharp;

namespace Gristmill.Engines.Torch.Interop;

/// <summary>
/// Buffers of one size for batches that are gathered. One comes back when the last tensor over it dies, and only then: what keeps a
/// batch's memory beyond its step (autograd, a view) never sees the next batch in it. The garbage collector frees those that stay away.
/// </summary>
internal sealed class BatchBuffers(int bytes, int kept)
{
    // torch's own allocator aligns to this.
    private const int Alignment = 64;

    private readonly Lock _gate = new();
    private readonly Stack<byte[]> _free = [];

    /// <summary>Buffers that wait to be used again.</summary>
    public int Free
    {
        get
        {
            lock (_gate)
            {
                return _free.Count;
            }
        }
    }

    /// <summary>A tensor over a buffer, with whatever was in it.</summary>
    /// <param name="used">Bytes of it, 1 to the size of a buffer: what <paramref name="shape"/> takes.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="fill">Fills the bytes before the tensor is made.</param>
    public unsafe torch.Tensor Create(int used, torch.ScalarType type, ReadOnlySpan<long> shape, Action<Span<byte>> fill)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(used, bytes);
        var loan = new Loan(this, Take());
        try
        {
            fill(new Span<byte>(loan.Start, used));
        }
        catch
        {
            loan.Dispose();
            throw;
        }

        return ForeignTensors.Create(loan.Start, used, type, shape, readOnly: false, loan);
    }

    private byte[] Take()
    {
        lock (_gate)
        {
            if (_free.TryPop(out var buffer))
            {
                return buffer;
            }
        }

        return GC.AllocateUninitializedArray<byte>(checked(bytes + Alignment), pinned: true);
    }

    private void Return(byte[] buffer)
    {
        lock (_gate)
        {
            if (_free.Count < kept)
            {
                _free.Push(buffer);
            }
        }
    }

    private sealed unsafe class Loan(BatchBuffers owner, byte[] buffer) : IDisposable
    {
        // The array is pinned for its life, and lives as long as this does.
        public byte* Start { get; } = (byte*)(((nint)Marshal.UnsafeAddrOfPinnedArrayElement(buffer, 0) + Alignment - 1) & -Alignment);

        public void Dispose() => owner.Return(buffer);
    }
}
