using Gristmill.Engines.Export;

namespace Gristmill.Engines;

/// <summary>An attribute (ONNX's word) of a node of an <see cref="OnnxGraph"/>.</summary>
public sealed class OnnxSetting
{
    // AttributeProto's fields and the values of its field "type".
    private const int NameField = 1, IntField = 3, TensorField = 5, IntsField = 8, TypeField = 20;
    private const int IntType = 2, TensorType = 4, IntsType = 7;

    private OnnxSetting(ProtobufWriter message) => Message = message;

    internal ProtobufWriter Message { get; }

    /// <summary>A number.</summary>
    public static OnnxSetting Of(string name, long value)
    {
        var message = Begin(name, IntType);
        message.Number(IntField, value);
        return new OnnxSetting(message);
    }

    /// <summary>A list of numbers.</summary>
    public static OnnxSetting Of(string name, ReadOnlySpan<long> values)
    {
        var message = Begin(name, IntsType);
        message.Numbers(IntsField, values);
        return new OnnxSetting(message);
    }

    /// <summary>A tensor of one dimension.</summary>
    /// <typeparam name="T">float, double, long or byte.</typeparam>
    public static OnnxSetting Tensor<T>(string name, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var message = Begin(name, TensorType);
        message.Message(TensorField, OnnxGraph.Tensor(name, values, [values.Length]));
        return new OnnxSetting(message);
    }

    private static ProtobufWriter Begin(string name, int type)
    {
        var message = new ProtobufWriter();
        message.Text(NameField, name);
        message.Number(TypeField, type);
        return message;
    }
}
