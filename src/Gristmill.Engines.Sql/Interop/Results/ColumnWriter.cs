using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>
/// Writes the vectors of one result column, batch by batch, straight into buffers of the segment. Slots without a
/// value are written as zeros, so that equal results are equal bytes.
/// </summary>
internal abstract unsafe class ColumnWriter(string column, IArrowType type)
{
    /// <summary>The most bytes one variable-length buffer of a batch may take: offsets are 32 bits wide.</summary>
    public const long MaxVariableBytes = int.MaxValue - 128;

    /// <summary>Name of the top-level column, for errors.</summary>
    public string Column { get; } = column;

    public IArrowType Type { get; } = type;

    /// <summary>Bytes that the rows take, roughly; to decide how many make a batch.</summary>
    public abstract long Measure(in VectorSlice slice);

    /// <summary>Writes all slices after one another.</summary>
    public abstract ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output);

    protected static int CountNulls(ReadOnlySpan<VectorSlice> slices)
    {
        var nulls = 0;
        foreach (ref readonly var slice in slices)
        {
            nulls += slice.CountNulls();
        }

        return nulls;
    }

    /// <summary>The validity bitmap, or no buffer where nothing is null.</summary>
    protected static ArrowBuffer WriteValidity(ReadOnlySpan<VectorSlice> slices, int rows, int nulls, IColumnMemory output)
    {
        if (nulls == 0)
        {
            return ArrowBuffer.Empty;
        }

        var memory = output.Allocate(BitAppender.Bytes(rows));
        var appender = new BitAppender(Address(memory));
        foreach (ref readonly var slice in slices)
        {
            for (var i = 0; i < slice.Count; i += 64)
            {
                var count = Math.Min(64, slice.Count - i);
                appender.Append(slice.ValidBits(i, count), count);
            }
        }

        return new ArrowBuffer(memory[..((rows + 7) / 8)]);
    }

    /// <summary>The address of memory in the segment, which does not move.</summary>
    protected static byte* Address(Memory<byte> memory) =>
        memory.IsEmpty ? null : (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(memory.Span));

    protected GristmillException BadValue(string message, string hint) =>
        new GristmillException(ErrorCodes.BadValue, $"Column '{Column}': {message}", hint).With("column", Column);
}
