using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>
/// Strings and blobs. DuckDB keeps 16 bytes a value: the length, then the bytes themselves if there are at most 12,
/// else a prefix of 4 and a pointer.
/// </summary>
internal sealed unsafe class StringWriter(string column, IArrowType type) : ColumnWriter(column, type)
{
    private const int Slot = 16;
    private const int Inlined = 12;

    public override long Measure(in VectorSlice slice) => Total(slice) + ((long)slice.Count * sizeof(int));

    public override ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output)
    {
        var nulls = CountNulls(slices);
        var validity = WriteValidity(slices, rows, nulls, output);
        long total = 0;
        foreach (ref readonly var slice in slices)
        {
            total += Total(slice);
        }

        if (total > MaxVariableBytes)
        {
            throw BadValue($"its strings take {total} bytes in {rows} rows, and a batch holds 2 GiB.", "Shorten them, or split them over columns.");
        }

        var offsetMemory = output.AllocateUninitialized(checked((rows + 1) * sizeof(int)));
        // Short strings are stored 16 bytes at once, whatever their length, so the last needs room behind it.
        var dataMemory = output.AllocateUninitialized((int)total + Slot);
        var offset = (int*)Address(offsetMemory);
        var start = Address(dataMemory);
        var target = start;
        *offset++ = 0;
        foreach (ref readonly var slice in slices)
        {
            var isFull = nulls == 0 && slice.Selection is null;
            for (var i = 0; i < slice.Count; i++)
            {
                if (isFull || slice.IsValid(i))
                {
                    target = Append(slice.Data + ((long)(isFull ? slice.Start + i : slice.Row(i)) * Slot), target);
                }

                *offset++ = (int)(target - start);
            }
        }

        // What the last short string wrote behind itself is no part of the column.
        new Span<byte>(target, Slot).Clear();
        return new ArrayData(
            Type, rows, nulls, 0, [validity, new ArrowBuffer(offsetMemory), new ArrowBuffer(dataMemory[..(int)total])], System.Array.Empty<ArrayData>());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Append(byte* slot, byte* target)
    {
        var length = *(uint*)slot;
        if (length <= Inlined)
        {
            Unsafe.WriteUnaligned(target, Unsafe.ReadUnaligned<ulong>(slot + sizeof(uint)));
            Unsafe.WriteUnaligned(target + sizeof(ulong), Unsafe.ReadUnaligned<uint>(slot + Inlined));
        }
        else
        {
            Buffer.MemoryCopy(*(byte**)(slot + (Slot / 2)), target, length, length);
        }

        return target + length;
    }

    private static long Total(in VectorSlice slice)
    {
        long total = 0;
        if (slice.Selection is null && slice.CountNulls() == 0)
        {
            var slots = slice.Data + ((long)slice.Start * Slot);
            for (var i = 0; i < slice.Count; i++)
            {
                total += *(uint*)(slots + ((long)i * Slot));
            }

            return total;
        }

        for (var i = 0; i < slice.Count; i++)
        {
            if (slice.IsValid(i))
            {
                total += *(uint*)(slice.Data + ((long)slice.Row(i) * Slot));
            }
        }

        return total;
    }
}
