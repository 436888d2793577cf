using System.Globalization;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Gristmill.Engines.Onnx;

/// <summary>Feeds columns to an input: where they lie if their bits are the tensor's, else converted and counted under "onnx".</summary>
internal static class OnnxInput
{
    /// <summary>A column as a tensor of a node's type and shape.</summary>
    /// <param name="column">Rows of the column.</param>
    /// <param name="name">Its name.</param>
    /// <param name="node">The model's input.</param>
    /// <param name="owned">What to dispose after the run, beside the value.</param>
    internal static OrtValue Of(IArrowArray column, string name, NodeMetadata node, List<IDisposable> owned)
    {
        RefuseNulls(column, name);
        var type = node.ElementDataType;
        var rows = column.Length;
        if (node.Dimensions.Length > 1 && node.Dimensions[1..] is not [1])
        {
            return List(column, name, node, owned);
        }

        long[] shape = node.Dimensions.Length == 1 ? [rows] : [rows, 1];
        if (type == TensorElementType.String)
        {
            return Text(column, name, shape, owned);
        }

        if (OnnxTypes.SameBits(column.Data.DataType.TypeId, type))
        {
            return View(column, type, shape, rows, owned);
        }

        var converted = new byte[checked(rows * OnnxTypes.Width(type))];
        Convert(column, name, type, converted, 0, 1);
        CopyCounter.Add("onnx", converted.Length);
        return Own(OnnxTensor.View(converted, type, shape), owned);
    }

    /// <summary>Number columns side by side as one [rows, k] tensor of floats.</summary>
    internal static OrtValue Packed(IReadOnlyList<(string Name, IArrowArray Column)> columns, int rows, List<IDisposable> owned)
    {
        var packed = new byte[checked(rows * columns.Count * sizeof(float))];
        for (var i = 0; i < columns.Count; i++)
        {
            RefuseNulls(columns[i].Column, columns[i].Name);
            Convert(columns[i].Column, columns[i].Name, TensorElementType.Float, packed, i, columns.Count);
        }

        CopyCounter.Add("onnx", packed.Length);
        return Own(OnnxTensor.View(packed, TensorElementType.Float, [rows, columns.Count]), owned);
    }

    private static OrtValue List(IArrowArray column, string name, NodeMetadata node, List<IDisposable> owned)
    {
        if (column is not FixedSizeListArray list || list.Data.DataType is not FixedSizeListType listType)
        {
            throw Mistyped(column, name, $"a list of {Product(node)} numbers");
        }

        var size = listType.ListSize;
        var inner = node.Dimensions[1..].Select(d => d <= 0 ? -1L : d).ToArray();
        var free = inner.Count(d => d < 0);
        var known = inner.Where(d => d > 0).Aggregate(1L, (a, b) => a * b);
        if (free > 1 || size % known != 0 || (free == 0 && size != known))
        {
            throw Mistyped(column, name, $"a list of {Product(node)} numbers");
        }

        long[] shape = [list.Length, .. inner.Select(d => d < 0 ? size / known : d)];
        var items = ArrowArrayFactory.BuildArray(list.Data.Children[0].Slice(list.Offset * size, list.Length * size));
        RefuseNulls(items, name);
        if (OnnxTypes.SameBits(listType.ValueDataType.TypeId, node.ElementDataType))
        {
            return View(items, node.ElementDataType, shape, items.Length, owned);
        }

        var converted = new byte[checked(items.Length * OnnxTypes.Width(node.ElementDataType))];
        Convert(items, name, node.ElementDataType, converted, 0, 1);
        CopyCounter.Add("onnx", converted.Length);
        return Own(OnnxTensor.View(converted, node.ElementDataType, shape), owned);
    }

    private static OrtValue View(IArrowArray array, TensorElementType type, long[] shape, int count, List<IDisposable> owned)
    {
        var width = OnnxTypes.Width(type);
        return Own(OnnxTensor.View(array.Data.Buffers[1].Memory.Slice(array.Offset * width, count * width), type, shape), owned);
    }

    private static OrtValue Text(IArrowArray column, string name, long[] shape, List<IDisposable> owned)
    {
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, shape);
        owned.Add(value);
        long copied = 0;
        for (var i = 0; i < column.Length; i++)
        {
            var bytes = column switch
            {
                StringArray a => a.GetBytes(i),
                LargeStringArray a => a.GetBytes(i),
                StringViewArray a => a.GetBytes(i),
                _ => throw Mistyped(column, name, "text"),
            };
            copied += bytes.Length;
            value.StringTensorSetElementAt(bytes, i);
        }

        CopyCounter.Add("onnx", copied);
        return value;
    }

    private static OrtValue Own(OnnxTensor tensor, List<IDisposable> owned)
    {
        owned.Add(tensor);
        return tensor.Value;
    }

    private static void Convert(IArrowArray column, string name, TensorElementType type, byte[] target, int first, int step)
    {
        for (var i = 0; i < column.Length; i++)
        {
            var number = Number(column, i) ?? throw Mistyped(column, name, type == TensorElementType.Bool ? "a boolean" : "a number");
            var at = first + (i * step);
            switch (type)
            {
                case TensorElementType.Float:
                    MemoryMarshal.Cast<byte, float>(target.AsSpan())[at] = (float)number;
                    break;
                case TensorElementType.Double:
                    MemoryMarshal.Cast<byte, double>(target.AsSpan())[at] = number;
                    break;
                case TensorElementType.Float16:
                    MemoryMarshal.Cast<byte, Half>(target.AsSpan())[at] = (Half)number;
                    break;
                case TensorElementType.Bool:
                    target[at] = number != 0 ? (byte)1 : (byte)0;
                    break;
                default:
                    Whole(number, name, i, type, target, at);
                    break;
            }
        }
    }

    private static void Whole(double number, string name, int row, TensorElementType type, byte[] target, int at)
    {
        try
        {
            if (number != Math.Floor(number))
            {
                throw new OverflowException();
            }

            switch (type)
            {
                case TensorElementType.Int64:
                    MemoryMarshal.Cast<byte, long>(target.AsSpan())[at] = checked((long)number);
                    break;
                case TensorElementType.UInt64:
                    MemoryMarshal.Cast<byte, ulong>(target.AsSpan())[at] = checked((ulong)number);
                    break;
                case TensorElementType.Int32:
                    MemoryMarshal.Cast<byte, int>(target.AsSpan())[at] = checked((int)number);
                    break;
                case TensorElementType.UInt32:
                    MemoryMarshal.Cast<byte, uint>(target.AsSpan())[at] = checked((uint)number);
                    break;
                case TensorElementType.Int16:
                    MemoryMarshal.Cast<byte, short>(target.AsSpan())[at] = checked((short)number);
                    break;
                case TensorElementType.UInt16:
                    MemoryMarshal.Cast<byte, ushort>(target.AsSpan())[at] = checked((ushort)number);
                    break;
                case TensorElementType.Int8:
                    target[at] = unchecked((byte)checked((sbyte)number));
                    break;
                default:
                    target[at] = checked((byte)number);
                    break;
            }
        }
        catch (OverflowException e)
        {
            throw BadValue(name, row, string.Create(CultureInfo.InvariantCulture, $"{number} is no {type}"), e);
        }
    }

    private static double? Number(IArrowArray column, int row) => column switch
    {
        FloatArray a => a.Values[row],
        DoubleArray a => a.Values[row],
        HalfFloatArray a => (double)a.Values[row],
        Int8Array a => a.Values[row],
        UInt8Array a => a.Values[row],
        Int16Array a => a.Values[row],
        UInt16Array a => a.Values[row],
        Int32Array a => a.Values[row],
        UInt32Array a => a.Values[row],
        Int64Array a => a.Values[row],
        UInt64Array a => a.Values[row],
        BooleanArray a => a.GetValue(row) is true ? 1 : 0,
        _ => null,
    };

    private static void RefuseNulls(IArrowArray column, string name)
    {
        if (column.NullCount == 0)
        {
            return;
        }

        for (var i = 0; i < column.Length; i++)
        {
            if (column.IsNull(i))
            {
                throw BadValue(name, i, "it is null", null);
            }
        }
    }

    private static string Product(NodeMetadata node) => string.Join(" x ", node.Dimensions[1..].Select(d => d <= 0 ? "any" : d.ToString(CultureInfo.InvariantCulture)));

    private static GristmillException BadValue(string name, int row, string what, Exception? inner) =>
        new GristmillException(ErrorCodes.BadValue, $"Column '{name}', row {row}: {what}.", "ONNX tensors have no missing values: fill them first.", inner)
            .With("column", name).With("row", row.ToString(CultureInfo.InvariantCulture));

    private static GristmillException Mistyped(IArrowArray column, string name, string wanted) =>
        new GristmillException(ErrorCodes.TypeMismatch, $"Column '{name}' is {column.Data.DataType.Name}, the model takes {wanted}.", "Cast the column in SQL.")
            .With("column", name);
}
