using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>Arrays of any type without rows, to ask DuckDB how it reads the type.</summary>
internal static class EmptyArrow
{
    public static ArrowNode Node(IArrowType type) => ArrowNode.Of(Data(type), []);

    public static ArrayData Data(IArrowType type) => type switch
    {
        DictionaryType dictionary => new ArrayData(
            type, 0, 0, 0, Buffers(2), System.Array.Empty<ArrayData>(), Data(dictionary.ValueType)),
        NestedType nested => new ArrayData(
            type, 0, 0, 0, Buffers(type is StructType or FixedSizeListType ? 1 : 2), [.. nested.Fields.Select(field => Data(field.DataType))]),
        NullType => new ArrayData(type, 0, 0, 0, Buffers(0), System.Array.Empty<ArrayData>()),
        StringType or BinaryType or LargeStringType or LargeBinaryType or StringViewType or BinaryViewType =>
            new ArrayData(type, 0, 0, 0, Buffers(3), System.Array.Empty<ArrayData>()),
        _ => new ArrayData(type, 0, 0, 0, Buffers(2), System.Array.Empty<ArrayData>()),
    };

    private static ArrowBuffer[] Buffers(int count)
    {
        var buffers = new ArrowBuffer[count];
        System.Array.Fill(buffers, ArrowBuffer.Empty);
        return buffers;
    }
}
