using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Gristmill.Engines.Export;

namespace Gristmill.Engines;

/// <summary>
/// Builds an ONNX model (onnx.ai, onnx.proto) node by node. Values are known by their names, which the calls that make
/// them return; nothing is checked here: ONNX Runtime checks names, types and shapes when it loads the file.
/// </summary>
/// <param name="name">The graph's name.</param>
public sealed class OnnxGraph(string name)
{
    /// <summary>The domain of trees and other classic models.</summary>
    public const string MachineLearning = "ai.onnx.ml";

    // The oldest versions that have all operators in use: ONNX 1.12 for networks, 1.16 for TreeEnsemble.
    private const int Operators = 17, MachineLearningOperators = 5;
    private const int FileFormat = 8, FileFormatOfTrees = 10;

    // GraphProto's fields.
    private const int NodeField = 1, NameField = 2, InitializerField = 5, InputField = 11, OutputField = 12;

    private readonly ProtobufWriter _nodes = new();
    private readonly ProtobufWriter _constants = new();
    private readonly ProtobufWriter _inputs = new();
    private readonly ProtobufWriter _outputs = new();
    private readonly ProtobufWriter _metadata = new();
    private bool _trees;
    private int _values;

    /// <summary>Adds an input.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its elements.</param>
    /// <param name="inner">Its dimensions after the rows.</param>
    /// <returns>Its name.</returns>
    public string Input(string name, OnnxElement type, params ReadOnlySpan<long> inner)
    {
        _inputs.Message(InputField, Value(name, type, inner));
        return name;
    }

    /// <summary>Hands a value out.</summary>
    /// <param name="name">The output's name.</param>
    /// <param name="value">The value.</param>
    /// <param name="type">Its elements.</param>
    /// <param name="inner">Its dimensions after the rows.</param>
    public void Output(string name, string value, OnnxElement type, params ReadOnlySpan<long> inner)
    {
        Node("Identity", name, [value], []);
        _outputs.Message(OutputField, Value(name, type, inner));
    }

    /// <summary>Adds a tensor of constants.</summary>
    /// <typeparam name="T">float, double, long, byte or bool.</typeparam>
    /// <param name="values">The elements, row-major.</param>
    /// <param name="shape">Dimensions; none: a scalar.</param>
    /// <returns>The value's name.</returns>
    public string Constant<T>(ReadOnlySpan<T> values, params ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        var name = NewName();
        _constants.Message(InitializerField, Tensor(name, values, shape));
        return name;
    }

    /// <summary>Adds a vector of text.</summary>
    /// <returns>The value's name.</returns>
    public string Constant(IReadOnlyCollection<string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var name = NewName();
        var tensor = TensorHead(name, OnnxElement.String, [values.Count]);
        foreach (var value in values)
        {
            tensor.Text(TensorStrings, value);
        }

        _constants.Message(InitializerField, tensor);
        return name;
    }

    /// <summary>Adds a node with one output.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">The values it takes.</param>
    /// <param name="attributes">Its attributes.</param>
    /// <returns>The output's name.</returns>
    public string Add(string op, ReadOnlySpan<string> inputs, params ReadOnlySpan<OnnxSetting> attributes)
    {
        var output = NewName();
        Node(op, output, inputs, attributes);
        return output;
    }

    /// <summary>Adds a node of <see cref="MachineLearning"/> with one output.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">The values it takes.</param>
    /// <param name="attributes">Its attributes.</param>
    /// <returns>The output's name.</returns>
    public string AddMachineLearning(string op, ReadOnlySpan<string> inputs, params ReadOnlySpan<OnnxSetting> attributes)
    {
        _trees = true;
        var output = NewName();
        Node(op, output, inputs, attributes, MachineLearning);
        return output;
    }

    /// <summary>Converts a value's elements.</summary>
    /// <returns>The result's name.</returns>
    public string Cast(string value, OnnxElement to) => Add("Cast", [value], OnnxSetting.Of("to", (long)to));

    /// <summary>Adds a key and value to the file's metadata.</summary>
    public void Metadata(string key, string value)
    {
        const int metadataField = 14;
        var entry = new ProtobufWriter();
        entry.Text(1, key);
        entry.Text(2, value);
        _metadata.Message(metadataField, entry);
    }

    /// <summary>The file.</summary>
    public byte[] ToArray()
    {
        var graph = new ProtobufWriter();
        graph.Append(_nodes);
        graph.Text(NameField, name);
        graph.Append(_constants);
        graph.Append(_inputs);
        graph.Append(_outputs);

        var model = new ProtobufWriter();
        model.Number(1, _trees ? FileFormatOfTrees : FileFormat);
        model.Text(2, "gristmill");
        model.Text(3, typeof(OnnxGraph).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "");
        model.Message(7, graph);
        model.Message(8, OperatorSet("", Operators));
        if (_trees)
        {
            model.Message(8, OperatorSet(MachineLearning, MachineLearningOperators));
        }

        model.Append(_metadata);
        return model.Written.ToArray();
    }

    // TensorProto's fields.
    private const int TensorStrings = 6;

    internal static ProtobufWriter Tensor<T>(string name, ReadOnlySpan<T> values, ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        const int rawField = 9;
        var type = default(T) switch
        {
            float => OnnxElement.Float,
            double => OnnxElement.Double,
            long => OnnxElement.Int64,
            byte => OnnxElement.UInt8,
            bool => OnnxElement.Boolean,
            _ => throw new ArgumentException($"No tensor holds {typeof(T).Name}.", nameof(values)),
        };
        var tensor = TensorHead(name, type, shape);
        // Little-endian, as all platforms this runs on.
        tensor.Bytes(rawField, MemoryMarshal.AsBytes(values));
        return tensor;
    }

    private static ProtobufWriter TensorHead(string name, OnnxElement type, ReadOnlySpan<long> shape)
    {
        var tensor = new ProtobufWriter();
        tensor.Numbers(1, shape);
        tensor.Number(2, (long)type);
        tensor.Text(8, name);
        return tensor;
    }

    private static ProtobufWriter OperatorSet(string domain, int version)
    {
        var set = new ProtobufWriter();
        set.Text(1, domain);
        set.Number(2, version);
        return set;
    }

    // ValueInfoProto { name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 { dim_value = 1 | dim_param = 2 } } } } }.
    private static ProtobufWriter Value(string name, OnnxElement type, ReadOnlySpan<long> inner)
    {
        var shape = new ProtobufWriter();
        var rows = new ProtobufWriter();
        rows.Text(2, "N");
        shape.Message(1, rows);
        foreach (var size in inner)
        {
            var dimension = new ProtobufWriter();
            dimension.Number(1, size);
            shape.Message(1, dimension);
        }

        var tensor = new ProtobufWriter();
        tensor.Number(1, (long)type);
        tensor.Message(2, shape);
        var any = new ProtobufWriter();
        any.Message(1, tensor);
        var value = new ProtobufWriter();
        value.Text(1, name);
        value.Message(2, any);
        return value;
    }

    // NodeProto { input = 1, output = 2, op_type = 4, attribute = 5, domain = 7 }.
    private void Node(string op, string output, ReadOnlySpan<string> inputs, ReadOnlySpan<OnnxSetting> attributes, string? domain = null)
    {
        var node = new ProtobufWriter();
        foreach (var input in inputs)
        {
            node.Text(1, input);
        }

        node.Text(2, output);
        node.Text(4, op);
        foreach (var attribute in attributes)
        {
            node.Message(5, attribute.Message);
        }

        if (domain is not null)
        {
            node.Text(7, domain);
        }

        _nodes.Message(NodeField, node);
    }

    private string NewName() => string.Create(CultureInfo.InvariantCulture, $"v{_values++}");
}
