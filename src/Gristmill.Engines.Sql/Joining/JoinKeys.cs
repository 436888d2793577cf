using Apache.Arrow.Types;
using Gristmill.Engines.Sql.Querying;

namespace Gristmill.Engines.Sql.Joining;

/// <summary>Which columns can be keys of each other.</summary>
internal static class JoinKeys
{
    /// <summary>Requires two columns of one kind, whatever their widths.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>.</exception>
    public static void RequireEqual(InputColumns columns, int key, string table, InputColumns others, int other, string otherTable)
    {
        if (Kind(columns.TypeOf(key)) is var kind && Kind(others.TypeOf(other)) is var found && kind != found)
        {
            throw new GristmillException(ErrorCodes.TypeMismatch, $"{table}'s key '{columns.Names[key]}' is of the kind {kind}, and key '{others.Names[other]}' of {otherTable} is {found}.",
                "Cast one of them in a query before.").With("column", columns.Names[key]);
        }
    }

    private static string Kind(IArrowType type) => type switch
    {
        Int8Type or Int16Type or Int32Type or Int64Type or UInt8Type or UInt16Type or UInt32Type or UInt64Type => "integer",
        HalfFloatType or FloatType or DoubleType => "float",
        Decimal32Type or Decimal64Type or Decimal128Type or Decimal256Type => "decimal",
        StringType or LargeStringType or StringViewType => "text",
        BinaryType or LargeBinaryType or FixedSizeBinaryType => "binary",
        DictionaryType dictionary => Kind(dictionary.ValueType),
        Date32Type or Date64Type => "date",
        Time32Type or Time64Type => "time",
        _ => type.Name,
    };
}
