using Apache.Arrow;
using Apache.Arrow.Types;
using DuckDB.NET.Native;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>Structs: a validity bitmap, and the fields one after another.</summary>
internal sealed class StructWriter(string column, IArrowType type, ColumnWriter[] fields) : ColumnWriter(column, type)
{
    public override long Measure(in VectorSlice slice)
    {
        long bytes = 0;
        for (var field = 0; field < fields.Length; field++)
        {
            bytes += fields[field].Measure(Child(slice, field));
        }

        return bytes;
    }

    public override ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output)
    {
        var nulls = CountNulls(slices);
        var validity = WriteValidity(slices, rows, nulls, output);
        var children = new ArrayData[fields.Length];
        var childSlices = new VectorSlice[slices.Length];
        for (var field = 0; field < fields.Length; field++)
        {
            for (var i = 0; i < slices.Length; i++)
            {
                childSlices[i] = Child(slices[i], field);
            }

            children[field] = fields[field].Write(childSlices, rows, output);
        }

        return new ArrayData(Type, rows, nulls, 0, [validity], children);
    }

    private static VectorSlice Child(in VectorSlice slice, int field) =>
        new(NativeDuck.StructVectorGetChild(slice.Vector, (ulong)field), slice.Start, slice.Count, slice.Selection);
}

/// <summary>Fixed-size lists: the child holds size values for every row, null or not.</summary>
internal sealed class ArrayWriter(string column, IArrowType type, ColumnWriter child, int size) : ColumnWriter(column, type)
{
    public override long Measure(in VectorSlice slice) => child.Measure(Child(slice));

    public override ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output)
    {
        var nulls = CountNulls(slices);
        var validity = WriteValidity(slices, rows, nulls, output);
        var childSlices = new VectorSlice[slices.Length];
        for (var i = 0; i < slices.Length; i++)
        {
            childSlices[i] = Child(slices[i]);
        }

        return new ArrayData(Type, rows, nulls, 0, [validity], [child.Write(childSlices, checked(rows * size), output)]);
    }

    private VectorSlice Child(in VectorSlice slice)
    {
        var vector = NativeDuck.ArrayVectorGetChild(slice.Vector);
        if (slice.Selection is null)
        {
            return new VectorSlice(vector, checked(slice.Start * size), checked(slice.Count * size));
        }

        var selection = new int[checked(slice.Count * size)];
        for (var i = 0; i < selection.Length; i++)
        {
            selection[i] = (slice.Selection[i / size] * size) + (i % size);
        }

        return new VectorSlice(vector, 0, selection.Length, selection);
    }
}

/// <summary>Lists and maps: DuckDB keeps a pair of offset and length a row, in any order; Arrow one offset, in order.</summary>
internal sealed unsafe class ListWriter(string column, IArrowType type, ColumnWriter child) : ColumnWriter(column, type)
{
    public override long Measure(in VectorSlice slice) => ((long)slice.Count * sizeof(int)) + child.Measure(Child(slice, null));

    public override ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output)
    {
        var nulls = CountNulls(slices);
        var validity = WriteValidity(slices, rows, nulls, output);
        var memory = output.AllocateUninitialized(checked((rows + 1) * sizeof(int)));
        var offsets = (int*)Address(memory);
        var childSlices = new VectorSlice[slices.Length];
        var written = 0;
        offsets[0] = 0;
        for (var i = 0; i < slices.Length; i++)
        {
            childSlices[i] = Child(slices[i], offsets + written);
            written += slices[i].Count;
        }

        return new ArrayData(Type, rows, nulls, 0, [validity, new ArrowBuffer(memory)], [child.Write(childSlices, offsets[rows], output)]);
    }

    /// <summary>The values of the lists, in order; also writes the end of each list after <paramref name="offsets"/>[0], if given.</summary>
    private VectorSlice Child(in VectorSlice slice, int* offsets)
    {
        var entries = (DuckDBListEntry*)slice.Data;
        var position = offsets is null ? 0L : offsets[0];
        long first = -1;
        long expected = 0;
        long total = 0;
        var inOrder = true;
        for (var i = 0; i < slice.Count; i++)
        {
            if (slice.IsValid(i))
            {
                var entry = entries[slice.Row(i)];
                var length = (long)entry.Length;
                if (length > 0)
                {
                    if (first < 0)
                    {
                        first = (long)entry.Offset;
                    }
                    else
                    {
                        inOrder &= (long)entry.Offset == expected;
                    }

                    expected = (long)(entry.Offset + entry.Length);
                    total += length;
                }
            }

            if (position + total > MaxVariableBytes)
            {
                throw BadValue("its lists hold more values than a batch can, 2^31.", "Unnest them.");
            }

            if (offsets is not null)
            {
                offsets[i + 1] = (int)(position + total);
            }
        }

        var vector = NativeDuck.ListVectorGetChild(slice.Vector);
        return inOrder
            ? new VectorSlice(vector, (int)Math.Max(first, 0), (int)total)
            : new VectorSlice(vector, 0, (int)total, Gather(slice, entries, (int)total));
    }

    private static int[] Gather(in VectorSlice slice, DuckDBListEntry* entries, int total)
    {
        var selection = new int[total];
        var next = 0;
        for (var i = 0; i < slice.Count; i++)
        {
            if (slice.IsValid(i))
            {
                var entry = entries[slice.Row(i)];
                for (ulong k = 0; k < entry.Length; k++)
                {
                    selection[next++] = (int)(entry.Offset + k);
                }
            }
        }

        return selection;
    }
}
