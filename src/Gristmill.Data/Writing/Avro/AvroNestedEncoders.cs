using System.Text.Json;
using Apache.Arrow;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Writing.Avro;

/// <summary>Values that may be null: the number of the branch stands before them.</summary>
internal sealed class AvroOptional(AvroEncoder value) : AvroEncoder
{
    public override ColumnReader Reader => value.Reader;

    public override void Bind(ArrayData data) => value.Bind(data);

    public override void Unbind() => value.Unbind();

    public override void Declare(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        json.WriteStringValue("null");
        value.Declare(json);
        json.WriteEndArray();
    }

    public override void Write(AvroBuffer target, int row)
    {
        if (value.IsNull(row))
        {
            target.Byte(0);
            return;
        }

        target.Byte(2);
        value.Write(target, row);
    }
}

/// <summary>Values of which none may be null.</summary>
internal sealed class AvroRequired(AvroEncoder value, string column) : AvroEncoder
{
    public override ColumnReader Reader => value.Reader;

    public override void Bind(ArrayData data) => value.Bind(data);

    public override void Unbind() => value.Unbind();

    public override void Declare(Utf8JsonWriter json) => value.Declare(json);

    public override void Write(AvroBuffer target, int row)
    {
        if (value.IsNull(row))
        {
            throw new GristmillException(ErrorCodes.BadValue, $"The column '{column}' has a null, and says that it has none.", "Declare the column as one that may be null.").With("column", column);
        }

        value.Write(target, row);
    }
}

/// <summary>Lists and maps: a run of items behind their count, and a run of none. Items begin where the offsets say; without offsets, they are of one number.</summary>
/// <param name="item">An item; of maps, a record of key and value, which stand there as an item does.</param>
/// <param name="isMap">Whether it is a map.</param>
/// <param name="size">Items of each list; 0: offsets say.</param>
internal sealed class AvroItems<TOffset>(AvroEncoder item, bool isMap, int size = 0) : AvroEncoder
    where TOffset : unmanaged
{
    private readonly FixedColumn<TOffset> _offsets = new();
    private readonly ValidityColumn _validity = new();
    private int _first;

    public override ColumnReader Reader => size > 0 ? _validity : _offsets;

    public override void Bind(ArrayData data)
    {
        base.Bind(data);
        item.Bind(data.Children[0]);
        _first = data.Offset;
    }

    public override void Unbind()
    {
        base.Unbind();
        item.Unbind();
    }

    public override void Declare(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", isMap ? "map" : "array");
        json.WritePropertyName(isMap ? "values" : "items");
        item.Declare(json);
        json.WriteEndObject();
    }

    public override void Write(AvroBuffer target, int row)
    {
        var start = size > 0 ? (row + _first) * (long)size : Offset(row);
        var count = size > 0 ? size : Offset(row + 1) - start;
        if (count > 0)
        {
            target.Long(count);
            for (var i = 0L; i < count; i++)
            {
                item.Write(target, checked((int)(start + i)));
            }
        }

        target.Byte(0);
    }

    private long Offset(int row) => typeof(TOffset) == typeof(int) ? (int)(object)_offsets.Get(row) : (long)(object)_offsets.Get(row);
}

/// <summary>Fields, one behind the other.</summary>
internal sealed class AvroRecord(string name, IReadOnlyList<(string Name, AvroEncoder Value)> fields) : AvroEncoder
{
    private int _first;

    public override ColumnReader Reader { get; } = new ValidityColumn();

    public override void Bind(ArrayData data)
    {
        base.Bind(data);
        _first = data.Offset;
        for (var i = 0; i < fields.Count; i++)
        {
            fields[i].Value.Bind(data.Children[i]);
        }
    }

    /// <summary>Turns to the columns of another batch.</summary>
    public void Bind(RecordBatch batch)
    {
        for (var i = 0; i < fields.Count; i++)
        {
            fields[i].Value.Bind(batch.Column(i).Data);
        }
    }

    public override void Unbind()
    {
        base.Unbind();
        foreach (var (_, value) in fields)
        {
            value.Unbind();
        }
    }

    public override void Declare(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "record");
        json.WriteString("name", name);
        json.WriteStartArray("fields");
        foreach (var (field, value) in fields)
        {
            json.WriteStartObject();
            json.WriteString("name", field);
            json.WritePropertyName("type");
            value.Declare(json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    public override void Write(AvroBuffer target, int row)
    {
        foreach (var (_, value) in fields)
        {
            value.Write(target, row + _first);
        }
    }
}

/// <summary>Key and value of a map, as an item: the type is that of the value alone.</summary>
internal sealed class AvroEntry(AvroEncoder key, AvroEncoder value) : AvroEncoder
{
    private int _first;

    public override ColumnReader Reader { get; } = new ValidityColumn();

    public override void Bind(ArrayData data)
    {
        base.Bind(data);
        _first = data.Offset;
        key.Bind(data.Children[0]);
        value.Bind(data.Children[1]);
    }

    public override void Unbind()
    {
        base.Unbind();
        key.Unbind();
        value.Unbind();
    }

    public override void Declare(Utf8JsonWriter json) => value.Declare(json);

    public override void Write(AvroBuffer target, int row)
    {
        key.Write(target, row + _first);
        value.Write(target, row + _first);
    }
}
