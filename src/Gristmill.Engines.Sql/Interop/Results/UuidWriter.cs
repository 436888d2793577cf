using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>UUIDs as strings of 36 characters, as DuckDB prints them.</summary>
internal sealed unsafe class UuidWriter(string column) : ColumnWriter(column, StringType.Default)
{
    private const int Characters = 36;

    public override long Measure(in VectorSlice slice) => (long)slice.Count * (Characters + sizeof(int));

    public override ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output)
    {
        var nulls = CountNulls(slices);
        var validity = WriteValidity(slices, rows, nulls, output);
        var total = checked((rows - nulls) * Characters);
        var offsetMemory = output.AllocateUninitialized(checked((rows + 1) * sizeof(int)));
        var dataMemory = output.AllocateUninitialized(total);
        var offset = (int*)Address(offsetMemory);
        var written = 0;
        *offset++ = 0;
        Span<byte> bytes = stackalloc byte[16];
        foreach (ref readonly var slice in slices)
        {
            var values = (UInt128*)slice.Data;
            for (var i = 0; i < slice.Count; i++)
            {
                if (slice.IsValid(i))
                {
                    // The top bit is flipped so that UUIDs order as signed integers.
                    var bits = values[slice.Row(i)] ^ ((UInt128)1 << 127);
                    System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
                    _ = new Guid(bytes, bigEndian: true).TryFormat(dataMemory.Span[written..], out _, "D");
                    written += Characters;
                }

                *offset++ = written;
            }
        }

        return new ArrayData(Type, rows, nulls, 0, [validity, new ArrowBuffer(offsetMemory), new ArrowBuffer(dataMemory)], System.Array.Empty<ArrayData>());
    }
}
