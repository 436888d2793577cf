using System.Runtime.InteropServices;
using System.Text;

namespace Gristmill.Engines.Onnx;

/// <summary>Writes small ONNX models as protobuf, so that no binary lies in the repository.</summary>
internal static class OnnxModels
{
    internal const int Float = 1;
    internal const int Int64 = 7;
    internal const int Text = 8;
    internal const int Boolean = 9;
    internal const int Double = 11;

    /// <summary>score = sigmoid(x W + b), x [N, w.Length].</summary>
    internal static byte[] Logistic(float[] w, float b, string batch = "N") => Model(
        [Node("MatMul", ["x", "w"], "p"), Node("Add", ["p", "b"], "q"), Node("Sigmoid", ["q"], "y")],
        [Tensor("w", [w.Length, 1], w), Tensor("b", [1], [b])],
        [Value("x", Float, batch, w.Length)], [Value("y", Float, batch, 1)]);

    /// <summary>One node over inputs of the given types.</summary>
    internal static byte[] Single(string op, (string Name, int Type, int[] Inner)[] inputs, (int Type, int[] Inner) output) => Model(
        [Node(op, [.. inputs.Select(i => i.Name)], "y")], [],
        [.. inputs.Select(i => Value(i.Name, i.Type, "N", i.Inner))], [Value("y", output.Type, "N", output.Inner)]);

    private static byte[] Model(byte[][] nodes, byte[][] constants, byte[][] inputs, byte[][] outputs) => Message(m =>
    {
        Number(m, 1, 8);
        Bytes(m, 7, Message(g =>
        {
            foreach (var node in nodes)
            {
                Bytes(g, 1, node);
            }

            Bytes(g, 2, Encoding.UTF8.GetBytes("graph"));
            foreach (var (field, parts) in new[] { (5, constants), (11, inputs), (12, outputs) })
            {
                foreach (var part in parts)
                {
                    Bytes(g, field, part);
                }
            }
        }));
        Bytes(m, 8, Message(o => Number(o, 2, 17)));
    });

    private static byte[] Node(string op, string[] inputs, string output) => Message(n =>
    {
        foreach (var input in inputs)
        {
            Bytes(n, 1, Encoding.UTF8.GetBytes(input));
        }

        Bytes(n, 2, Encoding.UTF8.GetBytes(output));
        Bytes(n, 4, Encoding.UTF8.GetBytes(op));
    });

    private static byte[] Tensor(string name, int[] shape, float[] values) => Message(t =>
    {
        foreach (var d in shape)
        {
            Number(t, 1, d);
        }

        Number(t, 2, Float);
        Bytes(t, 8, Encoding.UTF8.GetBytes(name));
        Bytes(t, 9, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    });

    private static byte[] Value(string name, int type, string batch, params int[] inner) => Message(v =>
    {
        Bytes(v, 1, Encoding.UTF8.GetBytes(name));
        Bytes(v, 2, Message(t => Bytes(t, 1, Message(u =>
        {
            Number(u, 1, type);
            Bytes(u, 2, Message(s =>
            {
                Bytes(s, 1, Message(d =>
                {
                    if (int.TryParse(batch, out var rows))
                    {
                        Number(d, 1, rows);
                    }
                    else
                    {
                        Bytes(d, 2, Encoding.UTF8.GetBytes(batch));
                    }
                }));
                foreach (var size in inner)
                {
                    Bytes(s, 1, Message(d => Number(d, 1, size)));
                }
            }));
        }))));
    });

    private static byte[] Message(Action<MemoryStream> write)
    {
        using var stream = new MemoryStream();
        write(stream);
        return stream.ToArray();
    }

    private static void Bytes(MemoryStream s, int field, byte[] bytes)
    {
        Varint(s, ((ulong)field << 3) | 2);
        Varint(s, (ulong)bytes.Length);
        s.Write(bytes);
    }

    private static void Number(MemoryStream s, int field, long value)
    {
        Varint(s, (ulong)field << 3);
        Varint(s, (ulong)value);
    }

    private static void Varint(MemoryStream s, ulong value)
    {
        for (; value >= 128; value >>= 7)
        {
            s.WriteByte((byte)(value | 128));
        }

        s.WriteByte((byte)value);
    }
}
