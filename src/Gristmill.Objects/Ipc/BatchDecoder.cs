using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Ipc;

/// <summary>Makes a buffer from a range of a message's body.</summary>
internal delegate ArrowBuffer BodyBuffer(long offset, long length);

/// <summary>
/// Builds the array data of a message over its body, copying nothing. Counts and lengths are checked against the
/// schema; whether values make sense is for <see cref="Validation.ArrayValidator"/>.
/// </summary>
internal sealed class BatchDecoder(BatchMessage message, BodyBuffer body, Func<FieldNode, ArrayData> dictionaries)
{
    private int _node;
    private int _buffer;
    private int _variadic;

    /// <summary>One array a field, all of the batch's length.</summary>
    public ArrayData[] Columns(FieldNode[] fields)
    {
        var columns = new ArrayData[fields.Length];
        for (int i = 0; i < fields.Length; i++)
        {
            columns[i] = Decode(fields[i]);
            if (columns[i].Length != message.Rows)
            {
                Malformed.Throw($"column '{fields[i].Field.Name}' has {columns[i].Length} rows in a batch of {message.Rows}");
            }
        }

        return columns;
    }

    /// <summary>The values of a dictionary batch.</summary>
    public ArrayData Values(FieldNode field)
    {
        var values = Decode(field, field.ValueType);
        if (values.Length != message.Rows)
        {
            Malformed.Throw($"the dictionary of '{field.Field.Name}' has {values.Length} values, not the {message.Rows} it claims");
        }

        return values;
    }

    private ArrayData Decode(FieldNode field)
    {
        if (field.DictionaryId is null)
        {
            return Decode(field, field.ValueType);
        }

        var (length, nulls) = Node(field);
        ArrowBuffer[] buffers = [Buffer(field), Buffer(field)];
        return new ArrayData(field.Field.DataType, length, nulls, 0, buffers, [], dictionaries(field));
    }

    private ArrayData Decode(FieldNode field, IArrowType type)
    {
        var (length, nulls) = Node(field);
        var layout = Layout.Of(type);
        if (layout.Kind is ArrayLayout.SparseUnion or ArrayLayout.DenseUnion or ArrayLayout.RunEnd && message.Version < SchemaEncoder.Version)
        {
            // Version 4 gave these a validity bitmap; there is no place for one that marks nulls.
            if (Buffer(field).Length > 0 && nulls > 0)
            {
                Malformed.Throw($"'{field.Field.Name}' of type {type.Name} has a validity bitmap, which formats since 1.0 do not allow");
            }
        }

        int count = layout.Buffers;
        if (layout.Kind == ArrayLayout.View)
        {
            long extra = _variadic < message.Variadic.Length ? message.Variadic[_variadic++] : -1;
            if (extra < 0 || extra > message.Buffers.Length)
            {
                Malformed.Throw($"the views of '{field.Field.Name}' do not say how many buffers they have");
            }

            count += (int)extra;
        }

        if (count > message.Buffers.Length - _buffer)
        {
            Malformed.Throw($"buffers of '{field.Field.Name}' are missing");
        }

        var buffers = new ArrowBuffer[count];
        for (int i = 0; i < count; i++)
        {
            buffers[i] = Buffer(field);
        }

        var children = new ArrayData[field.Children.Length];
        for (int i = 0; i < children.Length; i++)
        {
            children[i] = Decode(field.Children[i]);
        }

        if (layout.Kind == ArrayLayout.RunEnd && children[1].Length > children[0].Length)
        {
            children[1] = children[1].Slice(0, children[0].Length); // values that no run has: allowed, and refused by Arrow's class
        }

        // Types without a bitmap have no nulls of their own: Arrow's classes would look for those that are claimed in another buffer.
        return new ArrayData(type, length, layout.Kind == ArrayLayout.Null ? length : layout.HasValidity ? nulls : 0, 0, buffers, children);
    }

    private (int Length, int NullCount) Node(FieldNode field)
    {
        if (_node >= message.Nodes.Length)
        {
            Malformed.Throw($"the node of '{field.Field.Name}' is missing");
        }

        var (length, nulls) = message.Nodes[_node++];
        if (length is < 0 or > int.MaxValue || nulls < 0 || nulls > length)
        {
            Malformed.Throw($"'{field.Field.Name}' claims {length} values of which {nulls} are null");
        }

        return ((int)length, (int)nulls);
    }

    private ArrowBuffer Buffer(FieldNode field)
    {
        if (_buffer >= message.Buffers.Length)
        {
            Malformed.Throw($"a buffer of '{field.Field.Name}' is missing");
        }

        var (offset, length) = message.Buffers[_buffer++];
        if (length > int.MaxValue)
        {
            throw new GristmillException(ErrorCodes.Corrupt,
                $"A buffer of '{field.Field.Name}' has {length} bytes; a single buffer can be viewed up to {int.MaxValue}.",
                "Write the table in smaller record batches.");
        }

        return length == 0 ? ArrowBuffer.Empty : body(offset, length);
    }
}
