using System.Runtime.InteropServices;
using Apache.Arrow;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Writing;

/// <summary>Whether two arrays of one type hold the same values. May say no for equal nested ones that lie differently.</summary>
internal static class ArrayEquality
{
    public static bool Same(ArrayData a, ArrayData b)
    {
        if (ReferenceEquals(a, b))
        {
            return true;
        }

        if (a.Length != b.Length || a.GetNullCount() != b.GetNullCount() || !TypeMatch.Same(a.DataType, b.DataType))
        {
            return false;
        }

        var layout = Layout.Of(a.DataType);
        return layout.Kind switch
        {
            _ when a.Length == 0 => true,
            ArrayLayout.Fixed when layout.Bits % 8 == 0 && a.Dictionary is null => SameNulls(a, b) && Slice(a, layout.Bytes).SequenceEqual(Slice(b, layout.Bytes)),
            ArrayLayout.Variable => SameNulls(a, b) && SameVariable(a, b, layout.Bytes),
            ArrayLayout.View => SameNulls(a, b) && SameViews(a, b),
            _ => SameBuffers(a, b),
        };
    }

    private static bool SameNulls(ArrayData a, ArrayData b)
    {
        if (a.GetNullCount() == 0)
        {
            return true;
        }

        for (int i = 0; i < a.Length; i++)
        {
            if (BitUtility.GetBit(a.Buffers[0].Span, a.Offset + i) != BitUtility.GetBit(b.Buffers[0].Span, b.Offset + i))
            {
                return false;
            }
        }

        return true;
    }

    private static bool SameVariable(ArrayData a, ArrayData b, int width)
    {
        for (int i = 0; i < a.Length; i++)
        {
            if (!Value(a, i, width).SequenceEqual(Value(b, i, width)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Views of equal values differ in where these lie.</summary>
    private static bool SameViews(ArrayData a, ArrayData b)
    {
        bool nulls = a.GetNullCount() > 0;
        for (int i = 0; i < a.Length; i++)
        {
            if ((!nulls || BitUtility.GetBit(a.Buffers[0].Span, a.Offset + i)) && !View(a, i).SequenceEqual(View(b, i)))
            {
                return false;
            }
        }

        return true;
    }

    private static bool SameBuffers(ArrayData a, ArrayData b)
    {
        ArrayData[] left = a.Children ?? [], right = b.Children ?? [];
        if (a.Offset != b.Offset || a.Buffers.Length != b.Buffers.Length || left.Length != right.Length)
        {
            return false;
        }

        for (int i = 0; i < a.Buffers.Length; i++)
        {
            // Lengths may differ by padding; equal starts of a structurally sound array mean equal values.
            int length = Math.Min(a.Buffers[i].Length, b.Buffers[i].Length);
            if (!a.Buffers[i].Span[..length].SequenceEqual(b.Buffers[i].Span[..length]))
            {
                return false;
            }
        }

        for (int i = 0; i < left.Length; i++)
        {
            if (!Same(left[i], right[i]))
            {
                return false;
            }
        }

        return (a.Dictionary, b.Dictionary) switch
        {
            (null, null) => true,
            ({ } x, { } y) => Same(x, y),
            _ => false,
        };
    }

    private static ReadOnlySpan<byte> Slice(ArrayData data, int width) =>
        data.Buffers[1].Span.Slice(data.Offset * width, data.Length * width);

    private static ReadOnlySpan<byte> View(ArrayData data, int index)
    {
        var view = data.Buffers[1].Span.Slice(16 * (data.Offset + index), 16);
        int length = MemoryMarshal.Read<int>(view);
        return length <= 12
            ? view.Slice(4, length)
            : data.Buffers[2 + MemoryMarshal.Read<int>(view[8..])].Span.Slice(MemoryMarshal.Read<int>(view[12..]), length);
    }

    private static ReadOnlySpan<byte> Value(ArrayData data, int index, int width)
    {
        var offsets = data.Buffers[1].Span[((data.Offset + index) * width)..];
        return width == 4
            ? data.Buffers[2].Span[MemoryMarshal.Read<int>(offsets)..MemoryMarshal.Read<int>(offsets[4..])]
            : data.Buffers[2].Span[(int)MemoryMarshal.Read<long>(offsets)..(int)MemoryMarshal.Read<long>(offsets[8..])];
    }
}
