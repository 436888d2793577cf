using Apache.Arrow;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Writing;

/// <summary>Writes each dictionary once, what lies inside its values first, and holds later batches to it.</summary>
internal sealed class DictionaryWriter(ObjectWriter writer, FieldNode[] nodes)
{
    private readonly Dictionary<long, ArrayData> _written = [];

    /// <summary>The values written for a field.</summary>
    public ArrayData this[FieldNode node] => _written[node.DictionaryId!.Value];

    /// <summary>Writes the dictionaries of a batch that are new.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: a dictionary differs from the one written.</exception>
    public void WriteNew(ArrayData[] columns)
    {
        for (int i = 0; i < columns.Length; i++)
        {
            Visit(nodes[i], columns[i]);
        }
    }

    private void Visit(FieldNode node, ArrayData data)
    {
        var values = data;
        if (node.DictionaryId is { } id)
        {
            values = data.Dictionary;
            if (_written.TryGetValue(id, out var known))
            {
                if (!ArrayEquality.Same(known, values))
                {
                    throw new GristmillException(ErrorCodes.Invalid,
                        $"Batches of column '{node.Field.Name}' use different dictionaries; an object has one a column.",
                        "Encode all batches with one dictionary, or write the column decoded.").With("column", node.Field.Name);
                }

                return;
            }
        }

        for (int i = 0; i < node.Children.Length; i++)
        {
            Visit(node.Children[i], values.Children[i]);
        }

        if (node.DictionaryId is { } fresh)
        {
            _written.Add(fresh, writer.WriteDictionary(node, values));
        }
    }
}
