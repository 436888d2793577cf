using Apache.Arrow;
using Gristmill.Objects.Validation;
using Gristmill.Objects.Writing;

namespace Gristmill.Objects.Ipc;

/// <summary>Makes the record batches of a file in memory, each array checked before Arrow's classes see it.</summary>
/// <param name="schema">Its schema.</param>
/// <param name="nodes">Its fields.</param>
/// <param name="depth">How far values are checked.</param>
/// <param name="replacing">Whether a dictionary may be replaced by a later one, as in streams.</param>
internal sealed class TableReader(Schema schema, FieldNode[] nodes, ValidationDepth depth, bool replacing = false)
{
    private KnownDictionaries? _known; // most tables have no dictionaries

    /// <summary>Takes note of a dictionary message; it is decoded when a batch needs it.</summary>
    public void AddDictionary(BatchMessage message, BodyBuffer body)
    {
        var known = _known ??= new KnownDictionaries([.. Encoded(nodes).Select(node => node.DictionaryId!.Value)]);
        if (!known.Ids.Contains(message.DictionaryId))
        {
            Malformed.Throw($"dictionary {message.DictionaryId} belongs to no field");
        }

        if (message.IsDelta)
        {
            if (!known.Pending.TryGetValue(message.DictionaryId, out var messages))
            {
                Malformed.Throw($"there is no dictionary {message.DictionaryId} to add to");
            }

            messages.Add((message, body));
        }
        else if (known.Pending.TryAdd(message.DictionaryId, [(message, body)]))
        {
            return;
        }
        else if (replacing)
        {
            known.Pending[message.DictionaryId] = [(message, body)];
        }
        else
        {
            Malformed.Throw($"it has two dictionaries {message.DictionaryId}, which a file cannot");
        }

        Forget(message.DictionaryId);
    }

    /// <summary>Builds a batch.</summary>
    public RecordBatch Batch(BatchMessage message, BodyBuffer body)
    {
        var columns = new BatchDecoder(message, body, Dictionary).Columns(nodes);
        var arrays = new IArrowArray[columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            arrays[i] = Build(columns[i], nodes[i]);
        }

        return new RecordBatch(schema, arrays, (int)message.Rows);
    }

    /// <summary>A dictionary has changed: it is made again when it is needed, and so are those that hold it inside their values.</summary>
    private void Forget(long id)
    {
        var known = _known!;
        if (known.Values.Count == 0)
        {
            return;
        }

        known.Holders ??= Encoded(nodes)
            .SelectMany(outer => Encoded(outer.Children).Select(inner => (Inner: inner.DictionaryId!.Value, Outer: outer.DictionaryId!.Value)))
            .Distinct().ToLookup(pair => pair.Inner, pair => pair.Outer);
        known.Values.Remove(id);
        foreach (long holder in known.Holders[id])
        {
            known.Values.Remove(holder);
        }
    }

    private static IEnumerable<FieldNode> Encoded(IEnumerable<FieldNode> nodes) => FieldNode.Flatten(nodes).Where(node => node.DictionaryId is not null);

    private ArrayData Dictionary(FieldNode field)
    {
        long id = field.DictionaryId!.Value;
        if (_known is { } made && made.Values.TryGetValue(id, out var values))
        {
            // Fields may share an id, but not with values of another type: what reads them goes by the type of its field.
            if (!TypeMatch.Same(values.DataType, field.ValueType))
            {
                Malformed.Throw($"dictionary {id} is shared by fields of different types");
            }

            return values;
        }

        if (_known is not { } known || !known.Pending.TryGetValue(id, out var messages))
        {
            throw Malformed.Because($"the dictionary of '{field.Field.Name}' is missing");
        }

        if (!known.Resolving.Add(id))
        {
            Malformed.Throw($"dictionary {id} contains itself");
        }

        var parts = new List<IArrowArray>();
        foreach (var (message, body) in messages)
        {
            parts.Add(Build(new BatchDecoder(message, body, Dictionary).Values(field), field));
        }

        known.Resolving.Remove(id);
        var whole = parts[0].Data;
        if (parts.Count > 1)
        {
            // A dictionary that came in parts must be one array: its values are moved together.
            whole = Concatenate(parts);
            ArrayValidator.Check(whole, field.Field.Name, ValidationDepth.Values, known.Checked); // its parts were sound, what Arrow made of them is another thing
            CopyCounter.Add("segment", whole.Buffers.Sum(buffer => (long)buffer.Length));
        }

        known.Values.Add(id, whole);
        known.Checked.Add(whole);
        return whole;
    }

    private IArrowArray Build(ArrayData data, FieldNode field)
    {
        ArrayValidator.Check(data, field.Field.Name, depth, _known?.Checked);
        try
        {
            return ArrowArrayFactory.BuildArray(data);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw Malformed.Because($"'{field.Field.Name}' is refused by Arrow: {e.Message}", e);
        }
    }

    private static ArrayData Concatenate(List<IArrowArray> parts)
    {
        try
        {
            return ArrowArrayConcatenator.Concatenate(parts).Data;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw Malformed.Because($"additions to a dictionary cannot be joined to it: {e.Message}", e);
        }
    }

    /// <summary>The dictionaries of a table that has some.</summary>
    private sealed class KnownDictionaries(HashSet<long> ids)
    {
        public HashSet<long> Ids { get; } = ids;

        public Dictionary<long, List<(BatchMessage Message, BodyBuffer Body)>> Pending { get; } = [];

        public Dictionary<long, ArrayData> Values { get; } = [];

        public HashSet<long> Resolving { get; } = [];

        public HashSet<ArrayData> Checked { get; } = [];

        /// <summary>For each dictionary those that hold it, at any depth; made when it is needed.</summary>
        public ILookup<long, long>? Holders { get; set; }
    }
}
