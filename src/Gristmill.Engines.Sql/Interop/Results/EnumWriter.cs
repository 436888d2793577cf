using System.Runtime.InteropServices;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;
using DuckDB.NET.Native;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>Enums as dictionaries: DuckDB's numbers are the indices.</summary>
internal sealed class EnumWriter : ColumnWriter
{
    private readonly FixedWriter _indices;
    private readonly ArrayData _dictionary;

    private EnumWriter(string column, DictionaryType type, FixedWriter indices, ArrayData dictionary)
        : base(column, type)
    {
        _indices = indices;
        _dictionary = dictionary;
    }

    /// <summary>Reads the values of an enum type.</summary>
    public static EnumWriter Create(string column, DuckDBLogicalType type)
    {
        var (index, width) = NativeMethods.LogicalType.DuckDBEnumInternalType(type) switch
        {
            DuckDBType.UnsignedTinyInt => ((IArrowType)UInt8Type.Default, 1),
            DuckDBType.UnsignedSmallInt => (UInt16Type.Default, 2),
            _ => (UInt32Type.Default, 4),
        };
        return new EnumWriter(column, new DictionaryType(index, StringType.Default, ordered: false),
            new FixedWriter(column, index, width), Values(type));
    }

    /// <summary>The names of an enum, as an array.</summary>
    public static ArrayData Values(DuckDBLogicalType type)
    {
        var size = (int)NativeMethods.LogicalType.DuckDBEnumDictionarySize(type);
        var offsets = new int[size + 1];
        var data = new MemoryStream();
        for (var i = 0; i < size; i++)
        {
            data.Write(Encoding.UTF8.GetBytes(NativeMethods.LogicalType.DuckDBEnumDictionaryValue(type, i)));
            offsets[i + 1] = checked((int)data.Length);
        }

        return new ArrayData(StringType.Default, size, 0, 0,
            [ArrowBuffer.Empty, new ArrowBuffer(MemoryMarshal.AsBytes(offsets.AsSpan()).ToArray()), new ArrowBuffer(data.ToArray())],
            System.Array.Empty<ArrayData>());
    }

    public override long Measure(in VectorSlice slice) => _indices.Measure(slice);

    public override ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output)
    {
        var indices = _indices.Write(slices, rows, output);
        return new ArrayData(Type, rows, indices.NullCount, 0, indices.Buffers, System.Array.Empty<ArrayData>(), _dictionary);
    }
}

/// <summary>Enums inside nested types as their names: a dictionary there is more than most Arrow readers take.</summary>
internal sealed unsafe class EnumNameWriter : ColumnWriter
{
    private readonly byte[][] _names;
    private readonly int _width;

    public EnumNameWriter(string column, DuckDBLogicalType type)
        : base(column, StringType.Default)
    {
        _names = new byte[NativeMethods.LogicalType.DuckDBEnumDictionarySize(type)][];
        for (var i = 0; i < _names.Length; i++)
        {
            _names[i] = Encoding.UTF8.GetBytes(NativeMethods.LogicalType.DuckDBEnumDictionaryValue(type, i));
        }

        _width = NativeMethods.LogicalType.DuckDBEnumInternalType(type) switch
        {
            DuckDBType.UnsignedTinyInt => 1,
            DuckDBType.UnsignedSmallInt => 2,
            _ => 4,
        };
    }

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
            throw BadValue($"its names take {total} bytes in {rows} rows, and a batch holds 2 GiB.", "Unnest them.");
        }

        var offsetMemory = output.AllocateUninitialized(checked((rows + 1) * sizeof(int)));
        var dataMemory = output.AllocateUninitialized((int)total);
        var offset = (int*)Address(offsetMemory);
        var written = 0;
        *offset++ = 0;
        foreach (ref readonly var slice in slices)
        {
            for (var i = 0; i < slice.Count; i++)
            {
                if (slice.IsValid(i))
                {
                    var name = Name(slice, i);
                    name.CopyTo(dataMemory.Span[written..]);
                    written += name.Length;
                }

                *offset++ = written;
            }
        }

        return new ArrayData(Type, rows, nulls, 0, [validity, new ArrowBuffer(offsetMemory), new ArrowBuffer(dataMemory)], System.Array.Empty<ArrayData>());
    }

    private byte[] Name(in VectorSlice slice, int i)
    {
        var row = slice.Row(i);
        return _names[_width switch { 1 => slice.Data[row], 2 => ((ushort*)slice.Data)[row], _ => ((uint*)slice.Data)[row] }];
    }

    private long Total(in VectorSlice slice)
    {
        long total = 0;
        for (var i = 0; i < slice.Count; i++)
        {
            total += slice.IsValid(i) ? Name(slice, i).Length : 0;
        }

        return total;
    }
}

/// <summary>A column of nothing but nulls.</summary>
internal sealed class NullWriter(string column) : ColumnWriter(column, NullType.Default)
{
    public override long Measure(in VectorSlice slice) => 0;

    public override ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output) =>
        new(Type, rows, rows, 0, System.Array.Empty<ArrowBuffer>(), System.Array.Empty<ArrayData>());
}
