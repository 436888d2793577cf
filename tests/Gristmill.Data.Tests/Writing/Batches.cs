using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Data.Tests.Writing;

/// <summary>Batches made by hand, of types and names that queries do not give.</summary>
internal static class Batches
{
    public static Schema Schema(params string[] names) => new([.. names.Select(static name => new Field(name, Int32Type.Default, true))], null);

    public static RecordBatch Integers(Schema schema, int rows) =>
        new(schema, schema.FieldsList.Select(_ => (IArrowArray)new Int32Array.Builder().AppendRange(Enumerable.Range(0, rows)).Build()), rows);

    public static DataFlow Flow(params (string Name, IArrowArray Array)[] columns)
    {
        var schema = new Schema([.. columns.Select(static column => new Field(column.Name, column.Array.Data.DataType, true))], null);
        return DataFlow.From(schema, [new RecordBatch(schema, columns.Select(static column => column.Array), columns[0].Array.Length)]);
    }

    /// <summary>Values in bytes of their own, with nulls: what no builder makes.</summary>
    public static IArrowArray Fixed<T>(IArrowType type, params T?[] values)
        where T : unmanaged
    {
        var bits = new byte[(values.Length + 7) / 8];
        for (var i = 0; i < values.Length; i++)
        {
            bits[i >> 3] |= (byte)(values[i] is null ? 0 : 1 << (i & 7));
        }

        T[] plain = [.. values.Select(static value => value.GetValueOrDefault())];
        var data = System.Runtime.InteropServices.MemoryMarshal.AsBytes(plain.AsSpan()).ToArray();
        return ArrowArrayFactory.BuildArray(new ArrayData(type, values.Length, values.Count(static value => value is null), 0, [new ArrowBuffer(bits), new ArrowBuffer(data)], System.Array.Empty<ArrayData>()));
    }

    public static IArrowArray Texts(params string?[] values)
    {
        var builder = new StringArray.Builder();
        foreach (var value in values)
        {
            _ = value is null ? builder.AppendNull() : builder.Append(value);
        }

        return builder.Build();
    }

    /// <summary>Lists that end at these offsets.</summary>
    public static IArrowArray Lists(IArrowArray items, params int[] offsets) =>
        ArrowArrayFactory.BuildArray(new ArrayData(new ListType(items.Data.DataType), offsets.Length - 1, 0, 0,
            [ArrowBuffer.Empty, new ArrowBuffer(System.Runtime.InteropServices.MemoryMarshal.AsBytes(offsets.AsSpan()).ToArray())], [items.Data]));
}
