using System.Buffers.Binary;
using Apache.Arrow.Types;

namespace Gristmill.Data.Writing.Postgres;

/// <summary>Dates and times of Arrow, which are counts from 1970 or midnight, as PostgreSQL's, which are days and microseconds from 2000 or midnight.</summary>
internal static class PostgresTimes
{
    private const long Epoch = 946_684_800_000_000; // 2000-01-01 in microseconds from 1970
    private const int EpochDay = 10_957;
    private const long Day = 86_400_000_000;
    // What the server has room for, from 4713 BC: https://www.postgresql.org/docs/current/datatype-datetime.html
    private const long FirstDay = -2_451_545;
    private const long EndDay = 2_145_031_949;
    private const long FirstTime = FirstDay * Day;

    public static PostgresField? Days(PostgresType to) => to.Oid != PostgresType.Date ? null : PostgresField.Fixed<int>(4, static (value, bytes) => Date(value, bytes));

    public static PostgresField? Milliseconds(PostgresType to) => to.Oid != PostgresType.Date ? null
        : PostgresField.Fixed<long>(4, static (value, bytes) => value % (Day / 1000) == 0 ? Date(value / (Day / 1000), bytes) : -1);

    public static PostgresField? Clock<T>(TimeUnit unit, PostgresType to)
        where T : unmanaged, System.Numerics.IBinaryInteger<T> => to.Oid != PostgresType.Time ? null
        : PostgresField.Fixed<T>(8, (value, bytes) => Microseconds(long.CreateTruncating(value), unit) is { } time and >= 0 and < Day ? Long(time, bytes) : -1);

    public static PostgresField? Timestamp(TimestampType type, PostgresType to)
    {
        var unit = type.Unit;
        return to.Oid != (type.Timezone is null ? PostgresType.Timestamp : PostgresType.TimestampTz) ? null : PostgresField.Fixed<long>(8,
            // The largest is infinity to DuckDB, and the server has room for all others.
            (value, bytes) => Microseconds(value, unit) is { } time and >= FirstTime + Epoch and < long.MaxValue ? Long(time - Epoch, bytes) : -1);
    }

    public static PostgresField? Span(TimeUnit unit, PostgresType to) => to.Oid != PostgresType.Interval ? null : PostgresField.Fixed<long>(16, (value, bytes) =>
    {
        if (Microseconds(value, unit) is not { } time)
        {
            return -1;
        }

        bytes[8..16].Clear(); // days and months, which are of no fixed length
        Long(time, bytes);
        return 16;
    });

    private static int Date(long days, Span<byte> bytes)
    {
        if (days - EpochDay is < FirstDay or >= EndDay)
        {
            return -1;
        }

        BinaryPrimitives.WriteInt32BigEndian(bytes, (int)(days - EpochDay));
        return 4;
    }

    private static int Long(long value, Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return 8;
    }

    /// <summary>In microseconds; null: finer, or too large.</summary>
    private static long? Microseconds(long value, TimeUnit unit)
    {
        if (unit == TimeUnit.Nanosecond)
        {
            return value % 1000 == 0 ? value / 1000 : null;
        }

        var times = unit switch { TimeUnit.Second => 1_000_000L, TimeUnit.Millisecond => 1_000L, _ => 1L };
        return Math.BigMul(value, times, out var low) == low >> 63 ? low : null;
    }
}
