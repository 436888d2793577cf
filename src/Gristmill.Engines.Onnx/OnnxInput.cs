using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
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
    /// <param name="firstRow">The row of its first value, for errors.</param>
    /// <param name="node">The model's input.</param>
    /// <param name="owned">What to dispose after the run, beside the value.</param>
    internal static OrtValue Of(IArrowArray column, string name, int firstRow, NodeMetadata node, List<IDisposable> owned)
    {
        RefuseNulls(column, name, firstRow);
        var type = node.ElementDataType;
        var rows = column.Length;
        if (node.Dimensions.Length > 1 && node.Dimensions[1..] is not [1])
        {
            return List(column, name, firstRow, node, owned);
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
        Convert(column, name, firstRow, 1, type, converted, 0, 1);
        CopyCounter.Add("onnx", converted.Length);
        return Own(OnnxTensor.View(converted, type, shape), owned);
    }

    /// <summary>Number columns side by side as one [rows, k] tensor of floats.</summary>
    internal static OrtValue Packed(IReadOnlyList<(string Name, IArrowArray Column)> columns, int firstRow, int rows, List<IDisposable> owned)
    {
        var packed = new byte[checked(rows * columns.Count * sizeof(float))];
        for (var i = 0; i < columns.Count; i++)
        {
            RefuseNulls(columns[i].Column, columns[i].Name, firstRow);
            Convert(columns[i].Column, columns[i].Name, firstRow, 1, TensorElementType.Float, packed, i, columns.Count);
        }

        CopyCounter.Add("onnx", packed.Length);
        return Own(OnnxTensor.View(packed, TensorElementType.Float, [rows, columns.Count]), owned);
    }

    private static OrtValue List(IArrowArray column, string name, int firstRow, NodeMetadata node, List<IDisposable> owned)
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
        RefuseNulls(items, name, firstRow, size);
        if (OnnxTypes.SameBits(listType.ValueDataType.TypeId, node.ElementDataType))
        {
            return View(items, node.ElementDataType, shape, items.Length, owned);
        }

        var converted = new byte[checked(items.Length * OnnxTypes.Width(node.ElementDataType))];
        Convert(items, name, firstRow, size, node.ElementDataType, converted, 0, 1);
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

    private static void Convert(IArrowArray column, string name, int firstRow, int perRow, TensorElementType type, byte[] target, int first, int step)
    {
        switch (type)
        {
            case TensorElementType.Float: To<float>(); break;
            case TensorElementType.Double: To<double>(); break;
            case TensorElementType.Float16: To<Half>(); break;
            case TensorElementType.Int64: To<long>(); break;
            case TensorElementType.UInt64: To<ulong>(); break;
            case TensorElementType.Int32: To<int>(); break;
            case TensorElementType.UInt32: To<uint>(); break;
            case TensorElementType.Int16: To<short>(); break;
            case TensorElementType.UInt16: To<ushort>(); break;
            case TensorElementType.Int8: To<sbyte>(); break;
            case TensorElementType.UInt8: To<byte>(); break;
            case TensorElementType.Bool when NumberFit.IsNumeric(column):
                var numbers = new double[column.Length];
                NumberFit.Convert<double>(column, name, firstRow, perRow, numbers);
                for (var i = 0; i < numbers.Length; i++)
                {
                    target[first + (i * step)] = numbers[i] != 0 ? (byte)1 : (byte)0;
                }

                break;
            default: throw Mistyped(column, name, "a boolean");
        }

        void To<T>()
            where T : unmanaged, INumber<T> =>
            NumberFit.Convert(column, name, firstRow, perRow, MemoryMarshal.Cast<byte, T>(target.AsSpan())[Math.Min(first, target.Length / Unsafe.SizeOf<T>())..], step);
    }

    private static void RefuseNulls(IArrowArray column, string name, int firstRow, int perRow = 1)
    {
        for (var i = 0; column.NullCount != 0 && i < column.Length; i++)
        {
            if (column.IsNull(i))
            {
                var row = (firstRow + (i / perRow)).ToString(CultureInfo.InvariantCulture);
                throw new GristmillException(ErrorCodes.BadValue, $"Row {row}: '{name}' is null.", "ONNX tensors have no missing values: fill them first.")
                    .With("column", name).With("row", row);
            }
        }
    }

    private static string Product(NodeMetadata node) => string.Join(" x ", node.Dimensions[1..].Select(d => d <= 0 ? "any" : d.ToString(CultureInfo.InvariantCulture)));

    private static GristmillException Mistyped(IArrowArray column, string name, string wanted) =>
        new GristmillException(ErrorCodes.TypeMismatch, $"Column '{name}' is {column.Data.DataType.Name}, the model takes {wanted}.", "Cast the column in SQL.")
            .With("column", name);
}
