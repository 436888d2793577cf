using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Data.Planning;

/// <summary>Batches without rows.</summary>
internal static class EmptyBatch
{
    public static RecordBatch Of(Schema schema) => new(schema, schema.FieldsList.Select(static field => ArrowArrayFactory.BuildArray(Data(field.DataType))), 0);

    private static ArrayData Data(IArrowType type) => type switch
    {
        DictionaryType dictionary => new ArrayData(type, 0, 0, 0, Buffers(2), System.Array.Empty<ArrayData>(), Data(dictionary.ValueType)),
        NestedType nested => new ArrayData(type, 0, 0, 0, Buffers(type is StructType or FixedSizeListType ? 1 : 2), [.. nested.Fields.Select(static field => Data(field.DataType))]),
        NullType => new ArrayData(type, 0, 0, 0, Buffers(0), System.Array.Empty<ArrayData>()),
        StringType or BinaryType or LargeStringType or LargeBinaryType => new ArrayData(type, 0, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(new byte[8]), ArrowBuffer.Empty], System.Array.Empty<ArrayData>()),
        StringViewType or BinaryViewType => new ArrayData(type, 0, 0, 0, Buffers(2), System.Array.Empty<ArrayData>()),
        _ => new ArrayData(type, 0, 0, 0, Buffers(2), System.Array.Empty<ArrayData>()),
    };

    private static ArrowBuffer[] Buffers(int count) => [.. Enumerable.Repeat(ArrowBuffer.Empty, count)];
}
