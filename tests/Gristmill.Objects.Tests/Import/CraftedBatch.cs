using System.Runtime.InteropServices;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Import;

/// <summary>A record batch or dictionary message that says of its body what it is told to.</summary>
internal sealed class CraftedBatch
{
    private readonly List<byte> _body = [];

    public required long Rows { get; init; }

    public List<(long Length, long Nulls)> Nodes { get; } = [];

    public List<(long Offset, long Length)> Buffers { get; } = [];

    public long[]? Variadic { get; init; }

    public long? Dictionary { get; init; }

    public bool IsDelta { get; init; }

    public int Version { get; init; } = SchemaEncoder.Version;

    /// <summary>Codec and method of compressed buffers.</summary>
    public (int Codec, int Method)? Compression { get; init; }

    public int? Kind { get; init; }

    /// <summary>What the message says; by default what there is.</summary>
    public long? BodyLength { get; init; }

    public byte[] Body => [.. _body];

    public CraftedBatch Node(long length, long nulls = 0)
    {
        Nodes.Add((length, nulls));
        return this;
    }

    /// <summary>A buffer of these bytes, padded to 8.</summary>
    public CraftedBatch Bytes(params ReadOnlySpan<byte> bytes)
    {
        Buffers.Add((_body.Count, bytes.Length));
        _body.AddRange(bytes);
        _body.AddRange(new byte[(8 - bytes.Length % 8) % 8]);
        return this;
    }

    public CraftedBatch Ints(params ReadOnlySpan<int> values) => Bytes(MemoryMarshal.AsBytes(values));

    public CraftedBatch Longs(params ReadOnlySpan<long> values) => Bytes(MemoryMarshal.AsBytes(values));

    /// <summary>A buffer where there may be nothing.</summary>
    public CraftedBatch At(long offset, long length)
    {
        Buffers.Add((offset, length));
        return this;
    }

    public byte[] Message()
    {
        var writer = new FlatWriter();
        var message = writer.Table(new(0, 2, Version), new(1, 1, Kind ?? (Dictionary is null ? 3 : 2)), FlatWriter.Slot.Offset(2), new(3, 8, BodyLength ?? _body.Count));
        writer.Root(writer.LastTable);
        int slot = message[2];
        if (Dictionary is { } id)
        {
            var dictionary = writer.Table(new(0, 8, id), FlatWriter.Slot.Offset(1), new(2, 1, IsDelta ? 1 : 0));
            writer.Patch(slot, writer.LastTable);
            slot = dictionary[1];
        }

        List<FlatWriter.Slot> slots = [new(0, 8, Rows), FlatWriter.Slot.Offset(1), FlatWriter.Slot.Offset(2)];
        if (Variadic is not null)
        {
            slots.Add(FlatWriter.Slot.Offset(4));
        }

        if (Compression is not null)
        {
            slots.Add(FlatWriter.Slot.Offset(3));
        }

        var batch = writer.Table([.. slots]);
        writer.Patch(slot, writer.LastTable);
        Pairs(writer, batch[1], Nodes);
        Pairs(writer, batch[2], Buffers);
        if (Variadic is not null)
        {
            int at = writer.Vector(batch[3], Variadic.Length, 8, 8);
            foreach (long count in Variadic)
            {
                writer.WriteI64(at, count);
                at += 8;
            }
        }

        if (Compression is { } compression)
        {
            writer.Table(new(0, 1, compression.Codec), new(1, 1, compression.Method));
            writer.Patch(batch[^1], writer.LastTable);
        }

        return writer.ToArray();
    }

    private static void Pairs(FlatWriter writer, int slot, List<(long, long)> pairs)
    {
        int at = writer.Vector(slot, pairs.Count, 16, 8);
        foreach (var (first, second) in pairs)
        {
            writer.WriteI64(at, first);
            writer.WriteI64(at + 8, second);
            at += 16;
        }
    }
}
