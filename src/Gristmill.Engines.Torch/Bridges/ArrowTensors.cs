using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Torch.Interop;
using Gristmill.Objects;
using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>
/// Arrow columns of the object store as tensors over the same memory.
/// </summary>
/// <remarks>
/// <para>
/// Without a copy: int8 to int64, uint8, half, float, double; date32 and time32 as int32; date64, time64, timestamp and
/// duration as int64 in the column's unit; the codes of a dictionary column; fixed-size lists of any of these, nested too,
/// as tensors of one dimension more. Copied, because torch has no such type, and counted under "torch": booleans
/// (bit-packed in Arrow) to torch.bool, uint16 to int32, uint32 and uint64 to int64.
/// </para>
/// <para>
/// A view holds a share of the lease until the last tensor over the memory dies. The memory is read-only: an in-place
/// operation (<c>add_</c>, indexed assignment) on a view ends the process with SIGSEGV. Use
/// <see cref="Writable"/> before one.
/// </para>
/// </remarks>
public static class ArrowTensors
{
    private const string Bridge = "torch";

    /// <summary>A column of a leased object as a tensor; several record batches are concatenated, which copies and counts.</summary>
    /// <param name="lease">The object.</param>
    /// <param name="column">Column name.</param>
    /// <param name="nulls">What to do with nulls.</param>
    /// <exception cref="GristmillException">unknown_column, type_mismatch, bad_value.</exception>
    public static torch.Tensor AsTensor(this ObjectLease lease, string column, NullHandling nulls = NullHandling.Refuse)
    {
        var parts = lease.AsTensors(column, nulls);
        if (parts.Count == 1)
        {
            return parts[0];
        }

        try
        {
            var whole = torch.cat([.. parts], 0);
            CopyCounter.Add(Bridge, whole.numel() * whole.ElementSize);
            return whole;
        }
        finally
        {
            foreach (var part in parts)
            {
                part.Dispose();
            }
        }
    }

    /// <summary>A column of a leased object as one tensor a record batch.</summary>
    /// <inheritdoc cref="AsTensor(ObjectLease, string, NullHandling)"/>
    public static IReadOnlyList<torch.Tensor> AsTensors(this ObjectLease lease, string column, NullHandling nulls = NullHandling.Refuse)
    {
        var index = lease.Schema.FieldsList.ToList().FindIndex(f => f.Name == column);
        if (index < 0)
        {
            throw new GristmillException(ErrorCodes.UnknownColumn,
                $"Column '{column}' is missing; there are {string.Join(", ", lease.Schema.FieldsList.Select(f => $"'{f.Name}'"))}.").With("column", column);
        }

        var tensors = new List<torch.Tensor>(lease.Batches.Count);
        try
        {
            foreach (var batch in lease.Batches)
            {
                tensors.Add(Convert(lease, batch.Column(index), column, nulls));
            }

            if (tensors.Count == 0)
            {
                TorchRuntime.EnsureLoaded();
                tensors.Add(torch.zeros(0));
            }

            return tensors;
        }
        catch
        {
            tensors.ForEach(t => t.Dispose());
            throw;
        }
    }

    /// <summary>An array of a leased object as a tensor. An array that lies elsewhere is copied and counted.</summary>
    /// <param name="lease">The object whose memory the array views.</param>
    /// <param name="array">The array, sliced or whole.</param>
    /// <param name="nulls">What to do with nulls.</param>
    /// <exception cref="GristmillException">type_mismatch, bad_value.</exception>
    public static torch.Tensor AsTensor(this ObjectLease lease, IArrowArray array, NullHandling nulls = NullHandling.Refuse) =>
        Convert(lease, array, name: null, nulls);

    /// <summary>Whether in-place operations on the tensor would write to a read-only mapping and end the process.</summary>
    public static bool IsReadOnly(torch.Tensor tensor) =>
        tensor.device_type == DeviceType.CPU && tensor.numel() > 0 && ForeignTensors.IsReadOnly(ForeignTensors.Address(tensor));

    /// <summary>The tensor itself if it may be written in place, else a clone, counted as copied.</summary>
    public static torch.Tensor Writable(this torch.Tensor tensor)
    {
        if (!IsReadOnly(tensor))
        {
            return tensor;
        }

        CopyCounter.Add(Bridge, tensor.numel() * tensor.ElementSize);
        return tensor.clone();
    }

    private static torch.Tensor Convert(ObjectLease lease, IArrowArray array, string? name, NullHandling nulls)
    {
        TorchRuntime.EnsureLoaded();
        var shape = new List<long> { array.Length };
        var leaf = array;
        var first = 0;
        var count = array.Length;
        CheckNulls(leaf, name, nulls);
        while (true)
        {
            if (leaf is DictionaryArray dictionary)
            {
                leaf = dictionary.Indices;
            }
            else if (leaf is FixedSizeListArray list)
            {
                var size = ((FixedSizeListType)list.Data.DataType).ListSize;
                shape.Add(size);
                first = (first + list.Offset) * size;
                count *= size;
                leaf = list.Values;
                CheckNulls(leaf, name, nulls);
            }
            else
            {
                break;
            }
        }

        // Data.Offset counts in elements of the leaf's buffers, whatever slices were taken on the way.
        return Leaf(lease, leaf, leaf.Data.Offset + first, count, [.. shape], name, nulls);
    }

    private static torch.Tensor Leaf(ObjectLease lease, IArrowArray leaf, int first, int count, long[] shape, string? name, NullHandling nulls)
    {
        var values = leaf.Data.Buffers.Length > 1 ? leaf.Data.Buffers[1].Span : default;
        switch (leaf.Data.DataType.TypeId)
        {
            case ArrowTypeId.Boolean:
                return Booleans(values, first, shape, count);
            case ArrowTypeId.UInt16:
                return Widen<ushort, int>(values, first, count, shape, torch.ScalarType.Int32);
            case ArrowTypeId.UInt32:
                return Widen<uint, long>(values, first, count, shape, torch.ScalarType.Int64);
            case ArrowTypeId.UInt64:
                return Widen<ulong, long>(values, first, count, shape, torch.ScalarType.Int64, name);
        }

        var type = ViewType(leaf.Data.DataType) ?? throw new GristmillException(ErrorCodes.TypeMismatch,
            $"{Column(name)} is {leaf.Data.DataType.Name}, which is no tensor type.", "Cast it to a number in SQL, or encode it with transforms.");
        var size = ((FixedWidthType)leaf.Data.DataType).BitWidth / 8;
        var bytes = values.Slice(first * size, count * size);
        if (leaf.NullCount > 0 && nulls == NullHandling.NotANumber)
        {
            return WithNotANumber(leaf, bytes, first, type, shape);
        }

        if (bytes.IsEmpty)
        {
            return torch.zeros(shape, dtype: type);
        }

        return lease.Owns(bytes) ? View(lease, bytes, type, shape) : Copy(bytes, type, shape);
    }

    private static unsafe torch.Tensor View(ObjectLease lease, ReadOnlySpan<byte> bytes, torch.ScalarType type, long[] shape)
    {
        // The span lies in a mapping, not on the managed heap: its address is fixed as long as the lease is held.
        fixed (byte* memory = bytes)
        {
            return ForeignTensors.Create(memory, bytes.Length, type, shape, readOnly: true, lease.Share());
        }
    }

    private static torch.Tensor Copy(ReadOnlySpan<byte> bytes, torch.ScalarType type, long[] shape)
    {
        var tensor = torch.empty(shape, dtype: type);
        bytes.CopyTo(tensor.bytes);
        CopyCounter.Add(Bridge, bytes.Length);
        return tensor;
    }

    private static torch.Tensor WithNotANumber(IArrowArray leaf, ReadOnlySpan<byte> bytes, int first, torch.ScalarType type, long[] shape)
    {
        var tensor = Copy(bytes, type, shape);
        var validity = leaf.Data.Buffers[0].Span;
        var target = tensor.bytes;
        for (var i = 0; i < leaf.Length; i++)
        {
            if (BitUtility.GetBit(validity, first + i))
            {
                continue;
            }

            switch (type)
            {
                case torch.ScalarType.Float16:
                    BinaryPrimitives.WriteHalfLittleEndian(target[(2 * i)..], Half.NaN);
                    break;
                case torch.ScalarType.Float32:
                    BinaryPrimitives.WriteSingleLittleEndian(target[(4 * i)..], float.NaN);
                    break;
                default:
                    BinaryPrimitives.WriteDoubleLittleEndian(target[(8 * i)..], double.NaN);
                    break;
            }
        }

        return tensor;
    }

    private static torch.Tensor Booleans(ReadOnlySpan<byte> bits, int first, long[] shape, int count)
    {
        var tensor = torch.empty(shape, dtype: torch.ScalarType.Bool);
        var target = tensor.bytes;
        for (var i = 0; i < count; i++)
        {
            target[i] = BitUtility.GetBit(bits, first + i) ? (byte)1 : (byte)0;
        }

        CopyCounter.Add(Bridge, count);
        return tensor;
    }

    private static torch.Tensor Widen<TFrom, TTo>(ReadOnlySpan<byte> values, int first, int count, long[] shape, torch.ScalarType type, string? name = null)
        where TFrom : unmanaged, System.Numerics.INumberBase<TFrom>
        where TTo : unmanaged, System.Numerics.INumberBase<TTo>
    {
        var tensor = torch.empty(shape, dtype: type);
        try
        {
            TensorPrimitives.ConvertChecked(MemoryMarshal.Cast<byte, TFrom>(values).Slice(first, count), MemoryMarshal.Cast<byte, TTo>(tensor.bytes));
        }
        catch (OverflowException e)
        {
            tensor.Dispose();
            throw new GristmillException(ErrorCodes.BadValue, $"{Column(name)} has a value above {long.MaxValue}, the largest of torch's integers.",
                "Cast it to double in SQL.", e);
        }

        CopyCounter.Add(Bridge, tensor.numel() * tensor.ElementSize);
        return tensor;
    }

    private static void CheckNulls(IArrowArray array, string? name, NullHandling nulls)
    {
        if (array.NullCount == 0 || nulls == NullHandling.Ignore)
        {
            return;
        }

        if (nulls == NullHandling.Refuse)
        {
            throw new GristmillException(ErrorCodes.BadValue, $"{Column(name)} has {array.NullCount} nulls, which a tensor cannot hold.",
                "Impute them, filter the rows out, or say what to do with nulls.");
        }

        if (array.Data.DataType.TypeId is not (ArrowTypeId.HalfFloat or ArrowTypeId.Float or ArrowTypeId.Double))
        {
            throw new GristmillException(ErrorCodes.TypeMismatch, $"{Column(name)} is {array.Data.DataType.Name} and has {array.NullCount} nulls: only floating-point columns have NaN.",
                "Cast it to float in SQL.");
        }
    }

    private static torch.ScalarType? ViewType(IArrowType type) => type.TypeId switch
    {
        ArrowTypeId.Int8 => torch.ScalarType.Int8,
        ArrowTypeId.UInt8 => torch.ScalarType.Byte,
        ArrowTypeId.Int16 => torch.ScalarType.Int16,
        ArrowTypeId.Int32 or ArrowTypeId.Date32 or ArrowTypeId.Time32 => torch.ScalarType.Int32,
        ArrowTypeId.Int64 or ArrowTypeId.Date64 or ArrowTypeId.Time64 or ArrowTypeId.Timestamp or ArrowTypeId.Duration => torch.ScalarType.Int64,
        ArrowTypeId.HalfFloat => torch.ScalarType.Float16,
        ArrowTypeId.Float => torch.ScalarType.Float32,
        ArrowTypeId.Double => torch.ScalarType.Float64,
        _ => null,
    };

    private static string Column(string? name) => name is null ? "The column" : $"Column '{name}'";
}
