using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>One value from DuckDB's form to Arrow's. A struct, so that the loop over it compiles to one without calls.</summary>
internal interface IValueConverter<TFrom, TTo>
    where TFrom : unmanaged
    where TTo : unmanaged
{
    /// <summary>False where Arrow's type cannot hold the value.</summary>
    static abstract bool TryConvert(TFrom value, out TTo converted);
}

/// <summary>Values whose form differs: narrow decimals, huge integers, intervals.</summary>
/// <param name="column">Column name.</param>
/// <param name="type">Arrow type.</param>
/// <param name="refusal">Said of a value that does not convert.</param>
/// <param name="hint">What to do then.</param>
internal sealed unsafe class ConvertingWriter<TFrom, TTo, TConverter>(string column, IArrowType type, string refusal, string hint)
    : ColumnWriter(column, type)
    where TFrom : unmanaged
    where TTo : unmanaged
    where TConverter : struct, IValueConverter<TFrom, TTo>
{
    public override long Measure(in VectorSlice slice) => (long)slice.Count * sizeof(TTo);

    public override ArrayData Write(ReadOnlySpan<VectorSlice> slices, int rows, IColumnMemory output)
    {
        var nulls = CountNulls(slices);
        var validity = WriteValidity(slices, rows, nulls, output);
        var memory = output.AllocateUninitialized(checked(rows * sizeof(TTo)));
        var target = (TTo*)Address(memory);
        foreach (ref readonly var slice in slices)
        {
            var source = (TFrom*)slice.Data;
            for (var i = 0; i < slice.Count; i++)
            {
                var value = source[slice.Row(i)];
                if (!slice.IsValid(i))
                {
                    target[i] = default;
                }
                else if (!TConverter.TryConvert(value, out target[i]))
                {
                    throw BadValue(refusal, hint);
                }
            }

            target += slice.Count;
        }

        return new ArrayData(Type, rows, nulls, 0, [validity, new ArrowBuffer(memory)], System.Array.Empty<ArrayData>());
    }
}
