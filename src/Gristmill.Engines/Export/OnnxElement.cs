namespace Gristmill.Engines;

/// <summary>Element types of an <see cref="OnnxGraph"/>; the numbers are ONNX's own (TensorProto.DataType).</summary>
public enum OnnxElement
{
    /// <summary>32-bit float.</summary>
    Float = 1,
    /// <summary>8-bit unsigned integer.</summary>
    UInt8 = 2,
    /// <summary>64-bit integer.</summary>
    Int64 = 7,
    /// <summary>Text.</summary>
    String = 8,
    /// <summary>True or false.</summary>
    Boolean = 9,
    /// <summary>64-bit float.</summary>
    Double = 11,
}
