using System.Runtime.CompilerServices;

namespace Gristmill.Engines.Torch.Interop;

/// <summary>
/// Rows by their numbers from memory that lies in several parts, one behind the other. In C#, and not by index_select: a second thread that
/// calls libtorch's parallel operations gets a thread pool of its own, which takes the cores from the step that runs beside it.
/// </summary>
internal sealed unsafe class RowGather
{
    private readonly nint[] _parts;
    private readonly long[] _ends;
    private readonly long _rowBytes;

    /// <param name="parts">First byte of each part; the memory must outlive this.</param>
    /// <param name="ends">Rows up to and with each part, rising.</param>
    /// <param name="rowBytes">Bytes of a row.</param>
    public RowGather(nint[] parts, long[] ends, long rowBytes)
    {
        _parts = parts;
        _ends = ends;
        _rowBytes = rowBytes;
    }

    /// <summary>Copies rows.</summary>
    /// <param name="rows">Numbers from 0 to the last end - 1; the caller has checked them.</param>
    /// <param name="target">As many bytes as the rows have.</param>
    public void Copy(ReadOnlySpan<long> rows, Span<byte> target)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(target.Length, checked(rows.Length * _rowBytes), nameof(target));
        fixed (byte* to = target)
        {
            if (_parts.Length > 1)
            {
                FromParts(rows, to);
                return;
            }

            switch (_rowBytes)
            {
                case 1:
                    FromOne<byte>(rows, to);
                    break;
                case 4:
                    FromOne<int>(rows, to);
                    break;
                case 8:
                    FromOne<long>(rows, to);
                    break;
                default:
                    FromOne(rows, to);
                    break;
            }
        }
    }

    private void FromOne<T>(ReadOnlySpan<long> rows, byte* to)
        where T : unmanaged
    {
        var from = (T*)_parts[0];
        var values = (T*)to;
        for (var i = 0; i < rows.Length; i++)
        {
            values[i] = from[rows[i]];
        }
    }

    private void FromOne(ReadOnlySpan<long> rows, byte* to)
    {
        var from = (byte*)_parts[0];
        foreach (var row in rows)
        {
            Unsafe.CopyBlockUnaligned(to, from + (row * _rowBytes), (uint)_rowBytes);
            to += _rowBytes;
        }
    }

    private void FromParts(ReadOnlySpan<long> rows, byte* to)
    {
        var part = 0;
        foreach (var row in rows)
        {
            // Neighbours mostly lie in one part when rows come in order.
            if (row >= _ends[part] || (part > 0 && row < _ends[part - 1]))
            {
                part = Find(row);
            }

            var first = part == 0 ? 0 : _ends[part - 1];
            Unsafe.CopyBlockUnaligned(to, (byte*)_parts[part] + ((row - first) * _rowBytes), (uint)_rowBytes);
            to += _rowBytes;
        }
    }

    private int Find(long row)
    {
        var index = Array.BinarySearch(_ends, row + 1);
        return index < 0 ? ~index : index;
    }
}
