using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Ipc;

/// <summary>A field with what IPC adds to it: the dictionary's id, and how its values lie in memory.</summary>
internal sealed class FieldNode
{
    public FieldNode(Field field, FieldNode[] children, long? dictionaryId)
    {
        Field = field;
        Children = children;
        DictionaryId = dictionaryId;
        ValueType = field.DataType is DictionaryType dictionary ? dictionary.ValueType : field.DataType;
    }

    public Field Field { get; }

    /// <summary>Children of the value type: for a dictionary-encoded field those of its values.</summary>
    public FieldNode[] Children { get; }

    /// <summary>Id of the dictionary that holds the values, or null.</summary>
    public long? DictionaryId { get; }

    /// <summary>The type of the values, a dictionary's encoding taken off.</summary>
    public IArrowType ValueType { get; }

    /// <summary>Every node of these trees, dictionary-encoded ones before what lies inside their values.</summary>
    public static IEnumerable<FieldNode> Flatten(IEnumerable<FieldNode> nodes)
    {
        foreach (var node in nodes)
        {
            yield return node;
            foreach (var inner in Flatten(node.Children))
            {
                yield return inner;
            }
        }
    }
}
