using Apache.Arrow;
using Apache.Arrow.Types;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Gristmill.Engines.Onnx;

/// <summary>Takes outputs as Arrow columns.</summary>
internal static class OnnxOutput
{
    /// <summary>An output with a row a row as a column: [rows] and [rows, 1] scalars, anything else fixed-size lists.</summary>
    internal static IArrowArray ToArrow(OrtValue value, string name, int rows)
    {
        var info = value.GetTensorTypeAndShape();
        var count = info.ElementCount;
        if (info.Shape.Length == 0 || info.Shape[0] != rows || OnnxTypes.ToArrow(info.ElementDataType) is not { } type)
        {
            throw new GristmillException(ErrorCodes.ModelFormat,
                $"The model's output '{name}' has the shape [{string.Join(", ", info.Shape)}] for {rows} rows.",
                "A model's outputs must have the rows as their first dimension.").With("column", name);
        }

        var items = Items(value, info.ElementDataType, type, checked((int)count));
        return info.Shape.Length == 1 || count == rows
            ? items
            : new FixedSizeListArray(new FixedSizeListType(new Field("item", type, nullable: false), checked((int)(count / rows))), rows, items, ArrowBuffer.Empty, 0, 0);
    }

    /// <summary>All elements as floats.</summary>
    internal static float[] Floats(OrtValue value) => value.GetTensorDataAsSpan<float>().ToArray();

    private static IArrowArray Items(OrtValue value, TensorElementType element, IArrowType type, int count)
    {
        switch (element)
        {
            case TensorElementType.String:
                var text = new StringArray.Builder().Reserve(count);
                foreach (var item in value.GetStringTensorAsArray())
                {
                    text.Append(item);
                }

                return text.Build();
            case TensorElementType.Bool:
                var bits = new BooleanArray.Builder().Reserve(count);
                foreach (var item in value.GetTensorDataAsSpan<bool>())
                {
                    bits.Append(item);
                }

                return bits.Build();
            default:
                var bytes = value.GetTensorMutableRawData().ToArray();
                return ArrowArrayFactory.BuildArray(new ArrayData(type, count, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(bytes)]));
        }
    }
}
