using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Gristmill.Engines.Torch.Interop;

/// <summary>Tensors over memory that is not torch's, kept alive until the last view of it dies.</summary>
internal static unsafe class ForeignTensors
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<nint, List<Block>> Blocks = [];

    /// <summary>Blocks of foreign memory that tensors still see.</summary>
    public static int LiveBlocks
    {
        get
        {
            lock (Gate)
            {
                return Blocks.Values.Sum(b => b.Count);
            }
        }
    }

    /// <summary>Makes a tensor over memory.</summary>
    /// <param name="memory">The first element; the memory must not move while <paramref name="owner"/> is not disposed.</param>
    /// <param name="bytes">Its length; more than 0.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Sizes, row-major; their product times the element size is <paramref name="bytes"/>.</param>
    /// <param name="readOnly">Whether a write to it would end the process.</param>
    /// <param name="owner">Disposed when the last tensor over the memory dies, on any thread; at once if this fails.</param>
    public static torch.Tensor Create(void* memory, long bytes, torch.ScalarType type, ReadOnlySpan<long> shape, bool readOnly, IDisposable owner)
    {
        var address = (nint)memory;
        lock (Gate)
        {
            if (!Blocks.TryGetValue(address, out var blocks))
            {
                Blocks.Add(address, blocks = []);
            }

            blocks.Add(new Block(bytes, readOnly, owner));
        }

        nint handle;
        fixed (long* sizes = shape)
        {
            handle = NativeMethods.THSTensor_new(memory, &Release, sizes, shape.Length, (sbyte)type, (sbyte)type, deviceType: 0, deviceIndex: -1, requiresGrad: 0);
        }

        if (handle == 0)
        {
            Remove(address)?.Dispose();
            throw TorchErrors.Of(NativeError());
        }

        return torch.Tensor.UnsafeCreateTensor(handle);
    }

    /// <summary>Lends memory of the caller to torch for the time of one call.</summary>
    /// <param name="values">Row-major; read only.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="width">Floats per row; rows x width is the length.</param>
    /// <param name="use">Uses the matrix, and keeps neither it nor a view of it.</param>
    public static T Lend<T>(ReadOnlySpan<float> values, int rows, int width, Func<torch.Tensor, T> use)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, checked(rows * width));
        fixed (float* memory = values)
        {
            using var matrix = Create(memory, 4L * values.Length, torch.ScalarType.Float32, [rows, width], readOnly: false, Nothing.Instance);
            return use(matrix);
        }
    }

    /// <summary>Address of a tensor's first element.</summary>
    public static nint Address(torch.Tensor tensor) => NativeMethods.THSTensor_data(tensor.Handle);

    /// <summary>The elements of a contiguous CPU tensor.</summary>
    public static Span<T> AsSpan<T>(torch.Tensor tensor)
        where T : unmanaged
    {
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous() || tensor.ElementSize != sizeof(T))
        {
            throw new ArgumentException($"The tensor is no contiguous CPU tensor with elements of {sizeof(T)} bytes.", nameof(tensor));
        }

        return new Span<T>((void*)Address(tensor), checked((int)tensor.numel()));
    }

    /// <summary>Whether the address lies in read-only foreign memory.</summary>
    public static bool IsReadOnly(nint address)
    {
        lock (Gate)
        {
            foreach (var (start, blocks) in Blocks)
            {
                if (address >= start && address - start < blocks[0].Bytes && blocks[0].ReadOnly)
                {
                    return true;
                }
            }

            return false;
        }
    }

    // Runs in libtorch when a storage dies. It is given the address alone: several blocks at one address belong to the
    // same mapping, so any one of their owners may go.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(void* memory)
    {
        try
        {
            Remove((nint)memory)?.Dispose();
        }
        catch (Exception)
        {
            // An exception must not cross into native code; an owner that fails to let go is a leak, not a crash.
        }
    }

    private static IDisposable? Remove(nint address)
    {
        lock (Gate)
        {
            if (!Blocks.TryGetValue(address, out var blocks))
            {
                return null;
            }

            var block = blocks[^1];
            blocks.RemoveAt(blocks.Count - 1);
            if (blocks.Count == 0)
            {
                Blocks.Remove(address);
            }

            return block.Owner;
        }
    }

    private static string NativeError() =>
        Marshal.PtrToStringUTF8(NativeMethods.THSTorch_get_and_reset_last_err()) ?? "libtorch gave no reason";

    private sealed class Nothing : IDisposable
    {
        public static Nothing Instance { get; } = new();

        public void Dispose()
        {
        }
    }

    private readonly record struct Block(long Bytes, bool ReadOnly, IDisposable Owner);
}
