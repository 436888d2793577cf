using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>Values that lie in the vector as they lie in Arrow: numbers, dates, times, timestamps.</summary>
internal unsafe class FixedWriter(string column, IArrowType type, int width) : ColumnWriter(column, type)
{
    public override long Measure(in VectorSlice slice) => (long)slice.Count * width;

    public override ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output)
    {
        var nulls = CountNulls(slices);
        var validity = WriteValidity(slices, rows, nulls, output);
        var memory = output.AllocateUninitialized(checked(rows * width));
        var target = Address(memory);
        foreach (ref readonly var slice in slices)
        {
            Copy(slice, target);
            if (nulls > 0 && slice.Validity is not null)
            {
                Clear(slice, target);
            }

            target += (long)slice.Count * width;
        }

        return new ArrayData(Type, rows, nulls, 0, [validity, new ArrowBuffer(memory)], System.Array.Empty<ArrayData>());
    }

    private void Copy(in VectorSlice slice, byte* target)
    {
        if (slice.Selection is null)
        {
            var bytes = (long)slice.Count * width;
            Buffer.MemoryCopy(slice.Data + ((long)slice.Start * width), target, bytes, bytes);
            return;
        }

        for (var i = 0; i < slice.Count; i++)
        {
            Buffer.MemoryCopy(slice.Data + ((long)slice.Selection[i] * width), target + ((long)i * width), width, width);
        }
    }

    private void Clear(in VectorSlice slice, byte* target)
    {
        for (var i = 0; i < slice.Count; i++)
        {
            if (!slice.IsValid(i))
            {
                new Span<byte>(target + ((long)i * width), width).Clear();
            }
        }
    }
}
