using Apache.Arrow.Types;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Gristmill.Engines.Onnx;

/// <summary>How ONNX element types and Arrow types meet.</summary>
internal static class OnnxTypes
{
    /// <summary>Bytes of an element.</summary>
    internal static int Width(TensorElementType type) => type switch
    {
        TensorElementType.Double or TensorElementType.Int64 or TensorElementType.UInt64 => 8,
        TensorElementType.Float or TensorElementType.Int32 or TensorElementType.UInt32 => 4,
        TensorElementType.Float16 or TensorElementType.BFloat16 or TensorElementType.Int16 or TensorElementType.UInt16 => 2,
        TensorElementType.Int8 or TensorElementType.UInt8 or TensorElementType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Elements without a fixed width."),
    };

    /// <summary>Whether Arrow's values are the tensor's elements bit for bit.</summary>
    internal static bool SameBits(ArrowTypeId arrow, TensorElementType type) => (arrow, type) switch
    {
        (ArrowTypeId.Float, TensorElementType.Float) or (ArrowTypeId.Double, TensorElementType.Double)
            or (ArrowTypeId.HalfFloat, TensorElementType.Float16)
            or (ArrowTypeId.Int64, TensorElementType.Int64) or (ArrowTypeId.UInt64, TensorElementType.UInt64)
            or (ArrowTypeId.Int32, TensorElementType.Int32) or (ArrowTypeId.UInt32, TensorElementType.UInt32)
            or (ArrowTypeId.Int16, TensorElementType.Int16) or (ArrowTypeId.UInt16, TensorElementType.UInt16)
            or (ArrowTypeId.Int8, TensorElementType.Int8) or (ArrowTypeId.UInt8, TensorElementType.UInt8) => true,
        _ => false,
    };

    /// <summary>The Arrow type of an output's elements, or null where it has none here.</summary>
    internal static IArrowType? ToArrow(TensorElementType type) => type switch
    {
        TensorElementType.Float => FloatType.Default,
        TensorElementType.Double => DoubleType.Default,
        TensorElementType.Int64 => Int64Type.Default,
        TensorElementType.UInt64 => UInt64Type.Default,
        TensorElementType.Int32 => Int32Type.Default,
        TensorElementType.UInt32 => UInt32Type.Default,
        TensorElementType.Int16 => Int16Type.Default,
        TensorElementType.UInt16 => UInt16Type.Default,
        TensorElementType.Int8 => Int8Type.Default,
        TensorElementType.UInt8 => UInt8Type.Default,
        TensorElementType.Float16 => HalfFloatType.Default,
        TensorElementType.Bool => BooleanType.Default,
        TensorElementType.String => StringType.Default,
        _ => null,
    };

    /// <summary>The column type of an element type in a manifest, or null where there is none.</summary>
    internal static ColumnType? ToColumn(TensorElementType type) => type switch
    {
        TensorElementType.String => ColumnType.String,
        TensorElementType.Bool => ColumnType.Boolean,
        TensorElementType.BFloat16 => null,
        _ => ToArrow(type) is null ? null : ColumnType.Number,
    };
}
