using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using Apache.Arrow;

namespace Gristmill.Objects.Validation;

/// <summary>
/// Whether parts of the data buffers of views are UTF-8, each buffer read once: views may share their bytes, and to read a
/// megabyte for each of a million views would take hours.
/// </summary>
internal sealed class SharedText
{
    private readonly ArrayData _data;

    /// <summary>For each buffer where bytes lie that belong to no character, ascending.</summary>
    private readonly List<int>?[] _faults;

    private SharedText(ArrayData data)
    {
        _data = data;
        _faults = new List<int>?[data.Buffers.Length - 2];
    }

    /// <summary>Null where reading each view by itself costs no more.</summary>
    public static SharedText? Of(ArrayData data)
    {
        var views = data.Buffers[1].Span;
        long shown = 0, there = 0;
        for (int i = data.Offset; i < data.Offset + data.Length; i++)
        {
            shown += Math.Max(0, MemoryMarshal.Read<int>(views[(16 * i)..]));
        }

        foreach (var buffer in data.Buffers.AsSpan(2))
        {
            there += buffer.Length;
        }

        return shown > 4 * there + (1 << 20) ? new SharedText(data) : null;
    }

    /// <summary>Whether a long value, known to lie in its buffer, is UTF-8.</summary>
    public bool IsValid(ReadOnlySpan<byte> view, int length)
    {
        int number = MemoryMarshal.Read<int>(view[8..]), start = MemoryMarshal.Read<int>(view[12..]);
        var bytes = _data.Buffers[number + 2].Span;
        var faults = _faults[number] ??= Faults(bytes);

        // Characters start with bytes that no other holds inside, so that they are the same ones wherever reading began. One that goes on
        // behind the value is cut, unless what stands there belongs to none.
        if (IsInside(bytes, start) || (IsInside(bytes, start + length) && faults.BinarySearch(start + length) < 0))
        {
            return false;
        }

        int at = faults.BinarySearch(start);
        at = at < 0 ? ~at : at;
        return at == faults.Count || faults[at] >= start + length;
    }

    private static bool IsInside(ReadOnlySpan<byte> bytes, int position) => position < bytes.Length && (bytes[position] & 0xC0) == 0x80;

    private static List<int> Faults(ReadOnlySpan<byte> bytes)
    {
        var faults = new List<int>();
        if (Utf8.IsValid(bytes))
        {
            return faults;
        }

        for (int at = 0; at < bytes.Length;)
        {
            if (Rune.DecodeFromUtf8(bytes[at..], out _, out int length) != OperationStatus.Done)
            {
                faults.Add(at);
            }

            at += length;
        }

        return faults;
    }
}
