using Apache.Arrow;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Writing;

/// <summary>
/// Gives each dictionary-encoded field one dictionary over all batches: the first batch's, written as it is. Batches that
/// bring another are mapped onto it, and values it lacks are written as additions.
/// </summary>
internal sealed class DictionaryWriter(ObjectWriter writer, FieldNode[] nodes)
{
    private readonly Dictionary<long, WrittenDictionary> _written = [];

    /// <summary>The values written first for a field.</summary>
    public ArrayData this[FieldNode node] => _written[node.DictionaryId!.Value].Values;

    /// <summary>Columns whose indices mean the dictionaries written; the same arrays where they do already.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: a dictionary cannot be joined to the one written.</exception>
    public ArrayData[] Unify(ArrayData[] columns)
    {
        var unified = new ArrayData[columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            unified[i] = Unify(nodes[i], columns[i]);
        }

        return unified;
    }

    /// <summary>Writes the dictionaries of unified columns that are new, and what was added to others.</summary>
    public void WriteNew(ArrayData[] columns)
    {
        for (int i = 0; i < columns.Length; i++)
        {
            WriteNew(nodes[i], columns[i]);
        }
    }

    private ArrayData Unify(FieldNode node, ArrayData data)
    {
        if (node.DictionaryId is { } id)
        {
            return _written.TryGetValue(id, out var known) ? known.Map(data, values => UnifyChildren(node, values)) : data;
        }

        return UnifyChildren(node, data);
    }

    private ArrayData UnifyChildren(FieldNode node, ArrayData data)
    {
        ArrayData[]? children = null;
        for (int i = 0; i < node.Children.Length; i++)
        {
            var child = Unify(node.Children[i], data.Children[i]);
            if (!ReferenceEquals(child, data.Children[i]))
            {
                children ??= [.. data.Children];
                children[i] = child;
            }
        }

        return children is null ? data : new ArrayData(data.DataType, data.Length, data.NullCount, data.Offset, data.Buffers, children);
    }

    private void WriteNew(FieldNode node, ArrayData data)
    {
        var values = data;
        if (node.DictionaryId is { } id)
        {
            if (_written.TryGetValue(id, out var known))
            {
                if (known.Additions() is { } additions)
                {
                    for (int i = 0; i < node.Children.Length; i++)
                    {
                        WriteNew(node.Children[i], additions.Children[i]);
                    }

                    writer.WriteDictionary(node, additions, isDelta: true);
                    known.AdditionsWritten();
                }

                return;
            }

            values = data.Dictionary;
        }

        // What lies inside a dictionary's values comes first.
        for (int i = 0; i < node.Children.Length; i++)
        {
            WriteNew(node.Children[i], values.Children[i]);
        }

        if (node.DictionaryId is { } fresh)
        {
            _written.Add(fresh, new WrittenDictionary(node, values, writer.WriteDictionary(node, values, isDelta: false)));
        }
    }
}
