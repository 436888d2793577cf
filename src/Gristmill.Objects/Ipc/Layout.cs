using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Ipc;

/// <summary>The physical layouts of the Arrow columnar format.</summary>
internal enum ArrayLayout
{
    /// <summary>No buffers.</summary>
    Null,
    /// <summary>Validity, values of a fixed number of bits.</summary>
    Fixed,
    /// <summary>Validity, offsets, bytes.</summary>
    Variable,
    /// <summary>Validity, 16-byte views, any number of data buffers.</summary>
    View,
    /// <summary>Validity, offsets; one child.</summary>
    List,
    /// <summary>Validity, offsets, sizes; one child.</summary>
    ListView,
    /// <summary>Validity; one child.</summary>
    FixedList,
    /// <summary>Validity; children.</summary>
    Struct,
    /// <summary>Type ids; children.</summary>
    SparseUnion,
    /// <summary>Type ids, offsets; children.</summary>
    DenseUnion,
    /// <summary>No buffers; run ends and values as children.</summary>
    RunEnd,
}

/// <summary>How arrays of a type lie in memory.</summary>
/// <param name="Kind">The layout.</param>
/// <param name="Bits">Bits of a value (fixed), or of an offset (variable, list, list view).</param>
/// <param name="Buffers">Buffers, the data buffers of views not counted.</param>
internal readonly record struct Layout(ArrayLayout Kind, int Bits, int Buffers)
{
    public int Bytes => Bits / 8;

    /// <summary>Whether the first buffer is a validity bitmap.</summary>
    public bool HasValidity =>
        Kind is not (ArrayLayout.Null or ArrayLayout.SparseUnion or ArrayLayout.DenseUnion or ArrayLayout.RunEnd);

    /// <summary>The layout of a type; a dictionary type has that of its indices.</summary>
    public static Layout Of(IArrowType type) => type switch
    {
        ExtensionType extension => Of(extension.StorageType),
        DictionaryType dictionary => Of(dictionary.IndexType),
        NullType => new(ArrayLayout.Null, 0, 0),
        StringType or BinaryType => new(ArrayLayout.Variable, 32, 3),
        LargeStringType or LargeBinaryType => new(ArrayLayout.Variable, 64, 3),
        StringViewType or BinaryViewType => new(ArrayLayout.View, 128, 2),
        ListType or MapType => new(ArrayLayout.List, 32, 2),
        LargeListType => new(ArrayLayout.List, 64, 2),
        ListViewType => new(ArrayLayout.ListView, 32, 3),
        LargeListViewType => new(ArrayLayout.ListView, 64, 3),
        FixedSizeListType => new(ArrayLayout.FixedList, 0, 1),
        StructType => new(ArrayLayout.Struct, 0, 1),
        UnionType { Mode: UnionMode.Sparse } => new(ArrayLayout.SparseUnion, 8, 1),
        UnionType => new(ArrayLayout.DenseUnion, 8, 2),
        RunEndEncodedType => new(ArrayLayout.RunEnd, 0, 0),
        FixedWidthType fixedWidth => new(ArrayLayout.Fixed, fixedWidth.BitWidth, 2),
        _ => throw new GristmillException(ErrorCodes.TypeMismatch, $"The Arrow type '{type.Name}' cannot be stored.",
            "Cast the column to another type."),
    };

    /// <summary>The child fields of a type, in the order of its arrays' children.</summary>
    public static IReadOnlyList<Field> ChildFields(IArrowType type) => type switch
    {
        ExtensionType extension => ChildFields(extension.StorageType),
        DictionaryType dictionary => ChildFields(dictionary.ValueType),
        MapType map => [MapEntries.Of(map)],
        NestedType nested => nested.Fields,
        _ => [],
    };
}
