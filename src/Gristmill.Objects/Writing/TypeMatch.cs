using Apache.Arrow.Types;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Writing;

/// <summary>Compares Arrow types, which have no equality of their own.</summary>
internal static class TypeMatch
{
    /// <summary>Whether values of one type can stand where the other is declared; names and time zones do not matter.</summary>
    public static bool Same(IArrowType a, IArrowType b)
    {
        a = Storage(a);
        b = Storage(b);
        if (a.TypeId != b.TypeId || Layout.Of(a) != Layout.Of(b))
        {
            return false;
        }

        bool parameters = (a, b) switch
        {
            (DictionaryType x, DictionaryType y) => Same(x.IndexType, y.IndexType) && Same(x.ValueType, y.ValueType),
            (Decimal32Type x, Decimal32Type y) => (x.Precision, x.Scale) == (y.Precision, y.Scale),
            (Decimal64Type x, Decimal64Type y) => (x.Precision, x.Scale) == (y.Precision, y.Scale),
            (Decimal128Type x, Decimal128Type y) => (x.Precision, x.Scale) == (y.Precision, y.Scale),
            (Decimal256Type x, Decimal256Type y) => (x.Precision, x.Scale) == (y.Precision, y.Scale),
            (TimeBasedType x, TimeBasedType y) => x.Unit == y.Unit,
            (IntervalType x, IntervalType y) => x.Unit == y.Unit,
            (FixedSizeListType x, FixedSizeListType y) => x.ListSize == y.ListSize,
            (UnionType x, UnionType y) => x.TypeIds.AsSpan().SequenceEqual(y.TypeIds),
            _ => true,
        };
        if (!parameters || a is DictionaryType)
        {
            return parameters;
        }

        var left = Layout.ChildFields(a);
        var right = Layout.ChildFields(b);
        if (left.Count != right.Count)
        {
            return false;
        }

        for (int i = 0; i < left.Count; i++)
        {
            if (!Same(left[i].DataType, right[i].DataType))
            {
                return false;
            }
        }

        return true;
    }

    public static string Show(IArrowType type) => type switch
    {
        DictionaryType d => $"dictionary<{Show(d.IndexType)}, {Show(d.ValueType)}>",
        TimeBasedType t => $"{t.Name}[{t.Unit}]",
        Decimal128Type d => $"{d.Name}({d.Precision}, {d.Scale})",
        Decimal256Type d => $"{d.Name}({d.Precision}, {d.Scale})",
        FixedSizeListType l => $"fixed_size_list<{Show(l.ValueDataType)}, {l.ListSize}>",
        NestedType n => $"{n.Name}<{string.Join(", ", n.Fields.Select(field => Show(field.DataType)))}>",
        _ => type.Name,
    };

    private static IArrowType Storage(IArrowType type) => type is Apache.Arrow.ExtensionType extension ? extension.StorageType : type;
}
