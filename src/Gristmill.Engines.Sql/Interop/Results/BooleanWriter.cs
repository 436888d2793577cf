using System.Runtime.Intrinsics;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>A byte a value to a bit a value.</summary>
internal sealed unsafe class BooleanWriter(string column) : ColumnWriter(column, BooleanType.Default)
{
    public override long Measure(in VectorSlice slice) => (slice.Count / 8) + 1;

    public override ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output)
    {
        var nulls = CountNulls(slices);
        var validity = WriteValidity(slices, rows, nulls, output);
        var memory = output.Allocate(BitAppender.Bytes(rows));
        var appender = new BitAppender(Address(memory));
        foreach (ref readonly var slice in slices)
        {
            for (var i = 0; i < slice.Count; i += 64)
            {
                var count = Math.Min(64, slice.Count - i);
                appender.Append(Pack(slice, i, count) & slice.ValidBits(i, count), count);
            }
        }

        return new ArrayData(Type, rows, nulls, 0, [validity, new ArrowBuffer(memory[..((rows + 7) / 8)])], System.Array.Empty<ArrayData>());
    }

    private static ulong Pack(in VectorSlice slice, int i, int count)
    {
        if (slice.Selection is null && count == 64)
        {
            var values = Vector512.Load(slice.Data + slice.Start + i);
            return ~Vector512.Equals(values, Vector512<byte>.Zero).ExtractMostSignificantBits();
        }

        ulong bits = 0;
        for (var k = 0; k < count; k++)
        {
            bits |= (slice.Data[slice.Row(i + k)] != 0 ? 1UL : 0) << k;
        }

        return bits;
    }
}
