using System.Numerics;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Rows;

/// <summary>Finds numbers that another type cannot hold. A whole block is looked at before its rows, so that reading a row needs no check.</summary>
internal static class NumberChecks
{
    /// <summary>The check of a conversion; null: every value fits.</summary>
    public static Func<ColumnReader, int, int>? Of<T>(Type target)
        where T : unmanaged => Type.GetTypeCode(target) switch
        {
            TypeCode.SByte => Range<T>(sbyte.MinValue, (Int128)sbyte.MaxValue),
            TypeCode.Byte => Range<T>(byte.MinValue, (Int128)byte.MaxValue),
            TypeCode.Int16 => Range<T>(short.MinValue, (Int128)short.MaxValue),
            TypeCode.UInt16 => Range<T>(ushort.MinValue, (Int128)ushort.MaxValue),
            TypeCode.Int32 => Range<T>(int.MinValue, (Int128)int.MaxValue),
            TypeCode.UInt32 => Range<T>(uint.MinValue, (Int128)uint.MaxValue),
            TypeCode.Int64 => Range<T>(long.MinValue, (Int128)long.MaxValue),
            TypeCode.UInt64 => Range<T>(ulong.MinValue, (Int128)ulong.MaxValue),
            // Integers that a floating-point number holds exactly.
            TypeCode.Single => Range<T>(-(1 << 24), (Int128)1 << 24),
            TypeCode.Double => Range<T>(-((Int128)1 << 53), (Int128)1 << 53),
            _ => null,
        };

    private static Func<ColumnReader, int, int>? Range<T>(Int128 min, Int128 max)
        where T : unmanaged => default(T) switch
        {
            sbyte => Range<sbyte>(min, max, sbyte.MinValue, sbyte.MaxValue),
            byte => Range<byte>(min, max, byte.MinValue, byte.MaxValue),
            short => Range<short>(min, max, short.MinValue, short.MaxValue),
            ushort => Range<ushort>(min, max, ushort.MinValue, ushort.MaxValue),
            int => Range<int>(min, max, int.MinValue, int.MaxValue),
            uint => Range<uint>(min, max, uint.MinValue, uint.MaxValue),
            long => Range<long>(min, max, long.MinValue, long.MaxValue),
            ulong => Range<ulong>(min, max, ulong.MinValue, ulong.MaxValue),
            Int128 => Range<Int128>(min, max, Int128.MinValue, Int128.MaxValue),
            _ => null,
        };

    private static Func<ColumnReader, int, int>? Range<T>(Int128 min, Int128 max, Int128 least, Int128 most)
        where T : unmanaged, IBinaryInteger<T>
    {
        if (min <= least && max >= most)
        {
            return null;
        }

        var (from, to) = (T.CreateSaturating(min), T.CreateSaturating(max));
        return (column, rows) =>
        {
            var values = ((FixedColumn<T>)column).Values(rows);
            for (var row = 0; row < values.Length; row++)
            {
                // What lies under a null may be anything.
                if ((values[row] < from || values[row] > to) && !column.IsNull(row))
                {
                    return row;
                }
            }

            return -1;
        };
    }
}
