using System.Buffers;
using Gristmill.Objects;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Gristmill.Engines.Onnx;

/// <summary>
/// A tensor of ONNX Runtime over memory that is already there: an input column in an object's mapping, or an output
/// that is to be written into an allocation of a segment. Nothing is copied.
/// </summary>
public sealed unsafe class OnnxTensor : IDisposable
{
    private readonly ObjectLease? _lease;
    private MemoryHandle _pin;

    private OnnxTensor(ReadOnlyMemory<byte> memory, TensorElementType type, long[] shape, ObjectLease? lease)
    {
        _lease = lease;
        _pin = memory.Pin();
        try
        {
            Address = (nint)_pin.Pointer;
            Value = OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type, shape, Address, memory.Length);
        }
        catch
        {
            _pin.Dispose();
            throw;
        }
    }

    /// <summary>The value to give a session or binding; it ends with this.</summary>
    public OrtValue Value { get; }

    /// <summary>Where its first element lies.</summary>
    public nint Address { get; }

    /// <summary>Views bytes as a tensor.</summary>
    /// <param name="memory">The elements, row-major; native or managed memory, pinned until disposed.</param>
    /// <param name="type">Element type, of fixed width.</param>
    /// <param name="shape">Dimensions, all known; their product times the element's width is the memory's length.</param>
    /// <param name="lease">The object the memory lies in: a share of it is held until disposed. Null where the memory is the caller's.</param>
    /// <exception cref="ArgumentException">The memory has another length than the shape.</exception>
    public static OnnxTensor View(ReadOnlyMemory<byte> memory, TensorElementType type, long[] shape, ObjectLease? lease = null)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (memory.Length != shape.Aggregate((long)OnnxTypes.Width(type), (a, b) => checked(a * b)))
        {
            throw new ArgumentException($"{memory.Length} bytes are not a tensor of [{string.Join(", ", shape)}].", nameof(memory));
        }

        var share = lease?.Share();
        try
        {
            return new OnnxTensor(memory, type, shape, share);
        }
        catch
        {
            share?.Dispose();
            throw;
        }
    }

    /// <summary>Ends the view; the memory may be used otherwise afterwards.</summary>
    public void Dispose()
    {
        Value.Dispose();
        _pin.Dispose();
        _pin = default;
        _lease?.Dispose();
    }
}
