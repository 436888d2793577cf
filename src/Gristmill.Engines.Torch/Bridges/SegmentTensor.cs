using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Torch.Interop;
using Gristmill.Objects;
using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>
/// A tensor whose storage lies inside an object under construction: computing into it (<c>add_</c>,
/// <c>copy_</c>, in-place operations) is the one write of the column.
/// </summary>
/// <remarks>Dispose it, and every view of it, before the writer is sealed.</remarks>
public sealed class SegmentTensor : IDisposable
{
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly IArrowType _element;

    private SegmentTensor(ReadOnlyMemory<byte> memory, IArrowType element, torch.Tensor tensor)
    {
        _memory = memory;
        _element = element;
        Tensor = tensor;
        Shape = [.. tensor.shape];
    }

    /// <summary>The tensor; zeros at first.</summary>
    public torch.Tensor Tensor { get; }

    /// <summary>Its shape: rows first.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Allocates a tensor inside the writer's current batch.</summary>
    /// <param name="writer">The writer, after <see cref="ObjectWriter.BeginBatch"/>.</param>
    /// <param name="type">Element type: one that Arrow has too (int8 to int64, uint8, float16, float32, float64).</param>
    /// <param name="shape">Sizes: rows first; further sizes become fixed-size lists.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>, <see cref="ErrorCodes.StoreFull"/>.</exception>
    public static unsafe SegmentTensor Allocate(ObjectWriter writer, torch.ScalarType type, params ReadOnlySpan<long> shape)
    {
        ArgumentOutOfRangeException.ThrowIfZero(shape.Length);
        TorchRuntime.EnsureLoaded();
        var element = ElementType(type);
        long bytes = element.BitWidth / 8;
        foreach (var size in shape)
        {
            bytes = checked(bytes * size);
        }

        var memory = writer.Allocate(checked((int)bytes));
        if (bytes == 0)
        {
            return new SegmentTensor(memory, element, torch.zeros(shape.ToArray(), dtype: type));
        }

        var pin = new Pin(memory.Pin());
        return new SegmentTensor(memory, element, ForeignTensors.Create(pin.Address, bytes, type, shape, readOnly: false, pin));
    }

    /// <summary>Writes a tensor as a column of the writer's current batch: the one write of its data.</summary>
    /// <param name="writer">The writer, after <see cref="ObjectWriter.BeginBatch"/>.</param>
    /// <param name="tensor">Rows first; on any device, of any layout.</param>
    /// <returns>The column, for <see cref="ObjectWriter.EndBatch"/>.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>, <see cref="ErrorCodes.StoreFull"/>.</exception>
    public static IArrowArray Write(ObjectWriter writer, torch.Tensor tensor)
    {
        using var scope = torch.NewDisposeScope();
        using var grad = torch.no_grad();
        using var target = Allocate(writer, tensor.dtype, tensor.shape);
        target.Tensor.copy_(tensor);
        return target.ToArray();
    }

    /// <summary>The Arrow type that tensors of this type and these sizes per row have as a column.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>.</exception>
    public static IArrowType ColumnType(torch.ScalarType type, params ReadOnlySpan<long> sizesPerRow)
    {
        IArrowType column = ElementType(type);
        for (var i = sizesPerRow.Length - 1; i >= 0; i--)
        {
            column = new FixedSizeListType(new Field("item", column, nullable: false), checked((int)sizesPerRow[i]));
        }

        return column;
    }

    /// <summary>The tensor's memory as an Arrow array, for <see cref="ObjectWriter.EndBatch"/>. No copy.</summary>
    public IArrowArray ToArray()
    {
        var rows = Shape.Aggregate(1L, (a, b) => checked(a * b));
        var type = _element;
        var data = new ArrayData(type, checked((int)rows), 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(_memory)]);
        for (var i = Shape.Count - 1; i > 0; i--)
        {
            rows = Shape[i] == 0 ? Shape[0] : rows / Shape[i];
            type = new FixedSizeListType(new Field("item", type, nullable: false), (int)Shape[i]);
            data = new ArrayData(type, checked((int)rows), 0, 0, [ArrowBuffer.Empty], [data]);
        }

        return ArrowArrayFactory.BuildArray(data);
    }

    /// <inheritdoc/>
    public void Dispose() => Tensor.Dispose();

    private static FixedWidthType ElementType(torch.ScalarType type) => type switch
    {
        torch.ScalarType.Int8 => Int8Type.Default,
        torch.ScalarType.Byte => UInt8Type.Default,
        torch.ScalarType.Int16 => Int16Type.Default,
        torch.ScalarType.Int32 => Int32Type.Default,
        torch.ScalarType.Int64 => Int64Type.Default,
        torch.ScalarType.Float16 => HalfFloatType.Default,
        torch.ScalarType.Float32 => FloatType.Default,
        torch.ScalarType.Float64 => DoubleType.Default,
        _ => throw new GristmillException(ErrorCodes.TypeMismatch, $"A tensor of {type} has no Arrow type of the same layout.",
            "Convert it first: booleans to uint8, bfloat16 to float32."),
    };

    private sealed unsafe class Pin(System.Buffers.MemoryHandle handle) : IDisposable
    {
        private System.Buffers.MemoryHandle _handle = handle;

        public void* Address => _handle.Pointer;

        public void Dispose() => _handle.Dispose();
    }
}
