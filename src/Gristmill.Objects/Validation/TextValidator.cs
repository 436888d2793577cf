using System.Runtime.InteropServices;
using System.Text.Unicode;
using Apache.Arrow;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Validation;

/// <summary>Checks that strings are UTF-8.</summary>
internal static class TextValidator
{
    /// <summary>Checks the strings of an array whose offsets were checked before.</summary>
    public static void CheckOffsets(ArrayData data, int offsetBytes, string name)
    {
        var offsets = data.Buffers[1].Span;
        var bytes = data.Buffers[2].Span;
        int first = At(offsets, data.Offset, offsetBytes);
        int last = At(offsets, data.Offset + data.Length, offsetBytes);

        // One pass over all bytes is several times faster than one a value. It suffices if no value starts in mid-character.
        if (Utf8.IsValid(bytes[first..last]))
        {
            int i = data.Offset;
            for (; i < data.Offset + data.Length; i++)
            {
                int start = At(offsets, i, offsetBytes);
                if (start < last && (bytes[start] & 0xC0) == 0x80)
                {
                    break;
                }
            }

            if (i == data.Offset + data.Length)
            {
                return;
            }
        }

        var validity = data.Buffers[0].Span;
        for (int i = data.Offset; i < data.Offset + data.Length; i++)
        {
            // What lies under a null means nothing.
            if ((validity.IsEmpty || BitUtility.GetBit(validity, i))
                && !Utf8.IsValid(bytes[At(offsets, i, offsetBytes)..At(offsets, i + 1, offsetBytes)]))
            {
                Malformed.Throw($"value {i - data.Offset} of '{name}' is not UTF-8");
            }
        }
    }

    private static int At(ReadOnlySpan<byte> offsets, int index, int width) => width == 4
        ? MemoryMarshal.Read<int>(offsets.Slice(4 * index, 4))
        : (int)MemoryMarshal.Read<long>(offsets.Slice(8 * index, 8));
}
