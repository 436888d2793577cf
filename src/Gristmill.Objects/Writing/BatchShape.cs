using Apache.Arrow;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Validation;

namespace Gristmill.Objects.Writing;

/// <summary>What batches of a schema look like, before there is one.</summary>
internal static class BatchShape
{
    /// <summary>Data buffers that a view array may keep; more are packed together.</summary>
    public const int MaxViewBuffers = 16;

    /// <summary>Bytes that a batch's message takes at most.</summary>
    public static int Bound(FieldNode[] nodes)
    {
        var (count, buffers, variadic) = (0, 0, 0);
        foreach (var node in nodes)
        {
            Count(node, node.DictionaryId is not null, ref count, ref buffers, ref variadic);
        }

        return MessageEncoder.Bound(count, buffers, variadic);
    }

    /// <summary>Bytes that the message of a field's dictionary takes at most.</summary>
    public static int DictionaryBound(FieldNode node)
    {
        var (count, buffers, variadic) = (0, 0, 0);
        Count(node, false, ref count, ref buffers, ref variadic);
        return MessageEncoder.Bound(count, buffers, variadic);
    }

    /// <summary>Checks that arrays fit the fields and are sound, so that no reader can crash on what was sealed.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/> naming the column.</exception>
    public static ArrayData[] Check(FieldNode[] nodes, int rows, IReadOnlyList<IArrowArray> columns)
    {
        if (columns.Count != nodes.Length)
        {
            throw Invalid($"The batch has {columns.Count} columns, its schema {nodes.Length}.");
        }

        var data = new ArrayData[nodes.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            string name = nodes[i].Field.Name;
            data[i] = columns[i].Data;
            if (data[i].Length != rows)
            {
                throw Invalid($"Column '{name}' has {data[i].Length} values in a batch of {rows} rows.").With("column", name);
            }

            if (!TypeMatch.Same(nodes[i].Field.DataType, data[i].DataType))
            {
                throw new GristmillException(ErrorCodes.TypeMismatch,
                    $"Column '{name}' holds {TypeMatch.Show(data[i].DataType)}, its field is {TypeMatch.Show(nodes[i].Field.DataType)}.",
                    "Make the schema from the arrays, or cast the column.").With("column", name);
            }

            try
            {
                ArrayValidator.Check(data[i], name, ValidationDepth.Values);
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"Column '{name}' cannot be stored: {e.Message}",
                    "Check how its offsets, lengths and buffers were built.", e).With("column", name);
            }
        }

        return data;
    }

    private static void Count(FieldNode node, bool indices, ref int nodes, ref int buffers, ref int variadic)
    {
        nodes++;
        if (indices)
        {
            buffers += 2;
            return;
        }

        var layout = Layout.Of(node.ValueType);
        buffers += layout.Buffers;
        if (layout.Kind == ArrayLayout.View)
        {
            buffers += MaxViewBuffers;
            variadic++;
        }

        foreach (var child in node.Children)
        {
            Count(child, child.DictionaryId is not null, ref nodes, ref buffers, ref variadic);
        }
    }

    private static GristmillException Invalid(string message) =>
        new(ErrorCodes.Invalid, message, "Give one array a field of the schema, each with as many values as the batch has rows.");
}
