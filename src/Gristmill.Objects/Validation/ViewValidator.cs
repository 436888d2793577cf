using System.Runtime.InteropServices;
using System.Text.Unicode;
using Apache.Arrow;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Validation;

/// <summary>Checks string and binary views: 16 bytes each, short values inline, long ones by buffer and offset.</summary>
internal static class ViewValidator
{
    private const int Inline = 12;

    public static void Check(ArrayData data, string name, bool text)
    {
        var views = data.Buffers[1].Span;
        var validity = data.Buffers[0].Span;
        var shared = text ? SharedText.Of(data) : null;
        for (int i = data.Offset; i < data.Offset + data.Length; i++)
        {
            if (!validity.IsEmpty && !BitUtility.GetBit(validity, i))
            {
                continue;
            }

            var view = views.Slice(16 * i, 16);
            int length = MemoryMarshal.Read<int>(view);
            if (length < 0)
            {
                Malformed.Throw($"value {i} of '{name}' has length {length}");
            }

            var value = length <= Inline ? view.Slice(4, length) : Far(data, view, length, name, i);
            if (text && !(length <= Inline || shared is null ? Utf8.IsValid(value) : shared.IsValid(view, length)))
            {
                Malformed.Throw($"value {i} of '{name}' is not UTF-8");
            }
        }
    }

    private static ReadOnlySpan<byte> Far(ArrayData data, ReadOnlySpan<byte> view, int length, string name, int index)
    {
        int buffer = MemoryMarshal.Read<int>(view[8..]), offset = MemoryMarshal.Read<int>(view[12..]);
        if (buffer < 0 || buffer >= data.Buffers.Length - 2 || offset < 0 || offset > data.Buffers[buffer + 2].Length - length)
        {
            Malformed.Throw($"value {index} of '{name}' lies at {offset} of buffer {buffer}, which does not hold it");
        }

        var value = data.Buffers[buffer + 2].Span.Slice(offset, length);
        if (!value[..4].SequenceEqual(view.Slice(4, 4)))
        {
            Malformed.Throw($"value {index} of '{name}' does not start with its prefix");
        }

        return value;
    }
}
