using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Writing;

/// <summary>
/// Puts arrays into the body of one message: buffers that already lie there are named, all others copied in, slices cut
/// to what they show.
/// </summary>
internal sealed class ArrayPlacer(ObjectWriter writer, long body)
{
    /// <summary>Fewer bytes are copied at once: a call of the system costs more than that.</summary>
    private const int CopiedLater = 16 << 10;

    private readonly List<(ReadOnlyMemory<byte> Source, long Position)> _copies = [];

    public BatchParts Parts { get; } = new();

    /// <summary>What has its room, but is yet to be copied there; in order. Copied at the end, it can be hashed on the way.</summary>
    public IReadOnlyList<(ReadOnlyMemory<byte> Source, long Position)> Copies => _copies;

    /// <summary>Bytes copied.</summary>
    public long Copied { get; private set; }

    /// <summary>Places the array of a field: its indices if it is dictionary-encoded.</summary>
    public void Place(FieldNode node, ArrayData data)
    {
        if (node.DictionaryId is null)
        {
            PlaceValues(node, data);
            return;
        }

        Header(data, data.GetNullCount());
        Fixed(data, Layout.Of(node.Field.DataType));
    }

    /// <summary>Places values of the field's value type.</summary>
    public void PlaceValues(FieldNode node, ArrayData data)
    {
        var layout = Layout.Of(node.ValueType);
        Header(data, layout.Kind == ArrayLayout.Null ? data.Length : layout.HasValidity ? data.GetNullCount() : 0, layout.HasValidity);
        switch (layout.Kind)
        {
            case ArrayLayout.Fixed:
                Fixed(data, layout);
                break;
            case ArrayLayout.Variable:
                var (start, end) = Offsets(data, layout.Bytes, InSegment(data.Buffers[2].Span));
                Bytes(data.Buffers[2].Memory[(int)start..(int)end]);
                break;
            case ArrayLayout.View:
                Views(data);
                break;
            case ArrayLayout.List:
                var (first, last) = Offsets(data, layout.Bytes, canKeep: true);
                Place(node.Children[0], data.Children[0].Slice((int)first, (int)(last - first)));
                break;
            case ArrayLayout.ListView:
                Bytes(Slice(data, 1, layout.Bytes));
                Bytes(Slice(data, 2, layout.Bytes));
                Place(node.Children[0], data.Children[0]);
                break;
            case ArrayLayout.FixedList:
                int size = ((FixedSizeListType)node.ValueType).ListSize;
                Place(node.Children[0], data.Children[0].Slice(data.Offset * size, data.Length * size));
                break;
            case ArrayLayout.Struct:
                Children(node, data, slice: true);
                break;
            case ArrayLayout.SparseUnion:
                Bytes(Slice(data, 0, 1));
                Children(node, data, slice: true);
                break;
            case ArrayLayout.DenseUnion:
                Bytes(Slice(data, 0, 1));
                Bytes(Slice(data, 1, 4));
                Children(node, data, slice: false);
                break;
            case ArrayLayout.RunEnd:
                Runs(node, data);
                break;
        }
    }

    private void Header(ArrayData data, int nulls, bool validity = true)
    {
        Parts.Nodes.Add((data.Length, nulls));
        if (!validity)
        {
            return;
        }

        if (nulls == 0)
        {
            Parts.Buffers.Add((0, 0)); // a bitmap of ones only costs its readers
        }
        else
        {
            Bits(data.Buffers[0].Memory, data.Offset, data.Length);
        }
    }

    private void Children(FieldNode node, ArrayData data, bool slice)
    {
        for (int i = 0; i < node.Children.Length; i++)
        {
            Place(node.Children[i], slice ? data.Children[i].Slice(data.Offset, data.Length) : data.Children[i]);
        }
    }

    private void Fixed(ArrayData data, Layout layout)
    {
        if (layout.Bits == 1)
        {
            Bits(data.Buffers[1].Memory, data.Offset, data.Length);
        }
        else
        {
            Bytes(Slice(data, 1, layout.Bytes));
        }
    }

    /// <summary>Places offsets so that they start at 0, and says which values they cover. Those built in place stay as they are.</summary>
    private (long First, long Last) Offsets(ArrayData data, int width, bool canKeep)
    {
        if (data.Length == 0)
        {
            writer.Span(Room(width, counted: false), width).Clear(); // one offset, as the format wants also of empty arrays
            return (0, 0);
        }

        var kept = data.Buffers[1].Memory.Slice(data.Offset * width, (data.Length + 1) * width);
        var offsets = kept.Span;
        long first = Read(offsets, 0, width), last = Read(offsets, data.Length, width);
        if (first == 0 || (canKeep && InSegment(offsets)))
        {
            Bytes(kept);
            return (0, last);
        }

        var target = writer.Span(Room(offsets.Length), offsets.Length);
        if (width == 4)
        {
            var from = MemoryMarshal.Cast<byte, int>(offsets);
            var to = MemoryMarshal.Cast<byte, int>(target);
            for (int i = 0; i < from.Length; i++)
            {
                to[i] = from[i] - (int)first;
            }
        }
        else
        {
            var from = MemoryMarshal.Cast<byte, long>(offsets);
            var to = MemoryMarshal.Cast<byte, long>(target);
            for (int i = 0; i < from.Length; i++)
            {
                to[i] = from[i] - first;
            }
        }

        return (first, last);
    }

    private void Views(ArrayData data)
    {
        var buffers = data.Buffers.AsSpan(2);
        bool inPlace = buffers.Length <= BatchShape.MaxViewBuffers;
        foreach (var buffer in buffers)
        {
            inPlace &= buffer.Length == 0 || InSegment(buffer.Span);
        }

        if (inPlace)
        {
            Bytes(Slice(data, 1, 16));
            Parts.Variadic.Add(buffers.Length);
            foreach (var buffer in buffers)
            {
                Bytes(buffer.Memory);
            }

            return;
        }

        PackViews(data);
    }

    /// <summary>
    /// Copies views, and of the long values those that they show, packed into few buffers. Where views share their values, the buffers
    /// are copied as they are: a copy for each view would take more, without a bound.
    /// </summary>
    private void PackViews(ArrayData data)
    {
        var source = Slice(data, 1, 16).Span;
        var validity = data.Buffers[0].Span;
        var views = writer.Span(Room(source.Length), source.Length);
        source.CopyTo(views);
        long shown = 0, there = 0;
        for (int i = 0; i < data.Length; i++)
        {
            if (!validity.IsEmpty && !BitUtility.GetBit(validity, data.Offset + i))
            {
                views.Slice(16 * i, 16).Clear();
            }

            shown += LongLength(views, i);
        }

        foreach (var buffer in data.Buffers.AsSpan(2))
        {
            there += buffer.Length;
        }

        if (shown > there)
        {
            KeepBuffers(data, views);
        }
        else
        {
            PackValues(data, views);
        }
    }

    private void PackValues(ArrayData data, Span<byte> views)
    {
        var sizes = new List<int> { 0 };
        for (int i = 0; i < data.Length; i++)
        {
            Grow(sizes, LongLength(views, i));
        }

        long[] starts = ViewBuffers(sizes);
        int number = 0, used = 0;
        for (int i = 0; i < data.Length; i++)
        {
            int length = LongLength(views, i);
            if (length == 0)
            {
                continue;
            }

            if (used + length > sizes[number])
            {
                number++; // where it was counted
                used = 0;
            }

            var view = views.Slice(16 * i, 16);
            int buffer = MemoryMarshal.Read<int>(view[8..]), offset = MemoryMarshal.Read<int>(view[12..]);
            data.Buffers[2 + buffer].Span.Slice(offset, length).CopyTo(writer.Span(starts[number] + used, length));
            MemoryMarshal.Write(view[8..], number);
            MemoryMarshal.Write(view[12..], used);
            used += length;
        }
    }

    private void KeepBuffers(ArrayData data, Span<byte> views)
    {
        var sizes = new List<int> { 0 };
        var places = new (int Number, int Offset)[data.Buffers.Length - 2];
        for (int i = 0; i < places.Length; i++)
        {
            int length = data.Buffers[2 + i].Length;
            Grow(sizes, length);
            places[i] = (sizes.Count - 1, sizes[^1] - length);
        }

        long[] starts = ViewBuffers(sizes);
        for (int i = 0; i < places.Length; i++)
        {
            var buffer = data.Buffers[2 + i].Span;
            if (!buffer.IsEmpty)
            {
                buffer.CopyTo(writer.Span(starts[places[i].Number] + places[i].Offset, buffer.Length));
            }
        }

        for (int i = 0; i < data.Length; i++)
        {
            if (LongLength(views, i) > 0)
            {
                var view = views.Slice(16 * i, 16);
                var (number, offset) = places[MemoryMarshal.Read<int>(view[8..])];
                MemoryMarshal.Write(view[8..], number);
                MemoryMarshal.Write(view[12..], offset + MemoryMarshal.Read<int>(view[12..]));
            }
        }
    }

    /// <summary>The length of a value that lies in a data buffer; 0 for one that its view holds.</summary>
    private static int LongLength(ReadOnlySpan<byte> views, int index) =>
        MemoryMarshal.Read<int>(views[(16 * index)..]) is var length && length > 12 ? length : 0;

    private static void Grow(List<int> sizes, int length)
    {
        const int MaxBuffer = 1 << 30;
        if (sizes[^1] > 0 && (long)sizes[^1] + length > MaxBuffer)
        {
            sizes.Add(0);
        }

        sizes[^1] += length;
    }

    /// <summary>Makes room for data buffers of views, and says where each starts.</summary>
    private long[] ViewBuffers(List<int> sizes)
    {
        if (sizes.Count > BatchShape.MaxViewBuffers)
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"The long values of one view column take more than {BatchShape.MaxViewBuffers} GiB in one batch.", "Write smaller record batches.");
        }

        Parts.Variadic.Add(sizes.Count);
        long[] starts = new long[sizes.Count];
        for (int i = 0; i < starts.Length; i++)
        {
            if (sizes[i] == 0)
            {
                Parts.Buffers.Add((0, 0));
            }
            else
            {
                starts[i] = Room(sizes[i]);
            }
        }

        return starts;
    }

    /// <summary>Places runs, their ends counted from the start of a slice.</summary>
    private void Runs(FieldNode node, ArrayData data)
    {
        var ends = data.Children[0];
        var values = data.Children[1];
        int width = Layout.Of(ends.DataType).Bytes;
        var source = Slice(ends, 1, width).Span;
        int first = 0;
        while (first < ends.Length && Read(source, first, width) <= data.Offset)
        {
            first++;
        }

        int last = first;
        while (data.Length > 0 && last < ends.Length && Read(source, last, width) < data.Offset + data.Length)
        {
            last++;
        }

        int runs = data.Length == 0 ? 0 : last - first + 1;
        if (data.Offset == 0 && runs > 0 && Read(source, last, width) == data.Length)
        {
            Place(node.Children[0], ends.Slice(0, runs));
        }
        else
        {
            Parts.Nodes.Add((runs, 0));
            Parts.Buffers.Add((0, 0));
            if (runs == 0)
            {
                Parts.Buffers.Add((0, 0));
            }
            else
            {
                var target = writer.Span(Room(runs * width), runs * width);
                for (int i = 0; i < runs; i++)
                {
                    Write(target, i, width, Math.Min(data.Length, Read(source, first + i, width) - data.Offset));
                }
            }
        }

        Place(node.Children[1], values.Slice(Math.Min(first, values.Length), runs));
    }

    private void Bits(ReadOnlyMemory<byte> bits, int offset, int count)
    {
        if (offset % 8 == 0)
        {
            Bytes(bits.Slice(offset / 8, (count + 7) / 8));
        }
        else
        {
            int bytes = (count + 7) / 8;
            BitCopy.Copy(bits.Span, offset, count, writer.Span(Room(bytes), bytes));
        }
    }

    private void Bytes(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            Parts.Buffers.Add((0, 0));
        }
        else if (InSegment(bytes.Span))
        {
            Parts.Buffers.Add((writer.Locate(bytes.Span) - body, bytes.Length));
        }
        else if (bytes.Length < CopiedLater)
        {
            bytes.Span.CopyTo(writer.Span(Room(bytes.Length), bytes.Length));
        }
        else
        {
            _copies.Add((bytes, Room(bytes.Length)));
        }
    }

    /// <summary>Whether bytes can stay where they are: in this body, and aligned.</summary>
    private bool InSegment(ReadOnlySpan<byte> bytes) => !bytes.IsEmpty && writer.Locate(bytes) is var at && at >= body && at % 64 == 0;

    private long Room(int bytes, bool counted = true)
    {
        long at = writer.Reserve(bytes);
        Parts.Buffers.Add((at - body, bytes));
        Copied += counted ? bytes : 0;
        return at;
    }

    private static ReadOnlyMemory<byte> Slice(ArrayData data, int buffer, int width) =>
        data.Buffers[buffer].Memory.Slice(data.Offset * width, data.Length * width);

    private static long Read(ReadOnlySpan<byte> bytes, int index, int width) => width switch
    {
        2 => MemoryMarshal.Read<short>(bytes[(2 * index)..]),
        4 => MemoryMarshal.Read<int>(bytes[(4 * index)..]),
        _ => MemoryMarshal.Read<long>(bytes[(8 * index)..]),
    };

    private static void Write(Span<byte> bytes, int index, int width, long value)
    {
        switch (width)
        {
            case 2:
                MemoryMarshal.Write(bytes[(2 * index)..], (short)value);
                break;
            case 4:
                MemoryMarshal.Write(bytes[(4 * index)..], (int)value);
                break;
            default:
                MemoryMarshal.Write(bytes[(8 * index)..], value);
                break;
        }
    }
}
