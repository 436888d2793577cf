using System.Linq.Expressions;
using Apache.Arrow.Types;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Rows;

/// <summary>Dates and times of Arrow, which are counts from 1970 or midnight, and C#'s, which are ticks of 100 ns from year 1. Nanoseconds are cut off.</summary>
internal static class Times
{
    private const long EpochTicks = 621_355_968_000_000_000;
    private const int EpochDays = 719_162;

    public static ColumnFit? Date(Type target) =>
        target == typeof(DateOnly) ? ColumnFit.Fixed<int>(static value => Call(nameof(ToDate), value), static (column, rows) => First(column, rows, -EpochDays, DateOnly.MaxValue.DayNumber - EpochDays))
        : target == typeof(DateTime) ? ColumnFit.Fixed<int>(static value => Call(nameof(ToMidnight), value), static (column, rows) => First(column, rows, -EpochDays, DateOnly.MaxValue.DayNumber - EpochDays))
        : null;

    public static ColumnFit? Timestamp(TimestampType type, Type target)
    {
        var (times, divisor) = Ticks(type.Unit);
        var zoned = type.Timezone is not null;
        // 64 bits of nanoseconds end before C#'s years do.
        Func<ColumnReader, int, int>? check = divisor > 1 ? null : (column, rows) => First(column, rows, -EpochTicks / times, (DateTime.MaxValue.Ticks - EpochTicks) / times);
        var unit = (Expression.Constant(times), Expression.Constant(divisor));
        return target == typeof(DateTime) ? ColumnFit.Fixed<long>(value => Call(zoned ? nameof(ToUtc) : nameof(ToClock), value, unit.Item1, unit.Item2), check)
            : target == typeof(DateTimeOffset) && zoned ? ColumnFit.Fixed<long>(value => Call(nameof(ToInstant), value, unit.Item1, unit.Item2), check)
            : null;
    }

    public static ColumnFit Time<T>(TimeUnit unit)
        where T : unmanaged
    {
        var (times, divisor) = Ticks(unit);
        return ColumnFit.Fixed<T>(value => Call(nameof(ToTime), Expression.Convert(value, typeof(long)), Expression.Constant(times), Expression.Constant(divisor)));
    }

    public static ColumnFit Span(TimeUnit unit)
    {
        var (times, divisor) = Ticks(unit);
        return ColumnFit.Fixed<long>(value => Call(nameof(ToSpan), value, Expression.Constant(times), Expression.Constant(divisor)));
    }

    public static DateOnly ToDate(int days) => DateOnly.FromDayNumber(days + EpochDays);

    public static DateTime ToMidnight(int days) => new(EpochTicks + (days * TimeSpan.TicksPerDay));

    public static DateTime ToClock(long value, long times, long divisor) => new(EpochTicks + Scale(value, times, divisor));

    public static DateTime ToUtc(long value, long times, long divisor) => new(EpochTicks + Scale(value, times, divisor), DateTimeKind.Utc);

    public static DateTimeOffset ToInstant(long value, long times, long divisor) => new(EpochTicks + Scale(value, times, divisor), TimeSpan.Zero);

    public static TimeOnly ToTime(long value, long times, long divisor) => new(Scale(value, times, divisor));

    public static TimeSpan ToSpan(long value, long times, long divisor) => new(Scale(value, times, divisor));

    public static int FromDate(DateOnly date) => date.DayNumber - EpochDays;

    public static long FromClock(DateTime time) => Microseconds(time.Ticks - EpochTicks);

    public static long FromInstant(DateTimeOffset time) => Microseconds(time.UtcTicks - EpochTicks);

    public static long FromTime(TimeOnly time) => time.Ticks / TimeSpan.TicksPerMicrosecond;

    public static long FromSpan(TimeSpan span) => Microseconds(span.Ticks);

    private static MethodCallExpression Call(string method, params Expression[] arguments) => Expression.Call(typeof(Times), method, null, arguments);

    // Towards the past, before 1970 too.
    private static long Scale(long value, long times, long divisor) => times > 1 ? value * times : divisor == 1 ? value : FloorDivide(value, divisor);

    private static long Microseconds(long ticks) => FloorDivide(ticks, TimeSpan.TicksPerMicrosecond);

    private static long FloorDivide(long value, long divisor) => value >= 0 ? value / divisor : ((value + 1) / divisor) - 1;

    private static (long Times, long Divisor) Ticks(TimeUnit unit) => unit switch
    {
        TimeUnit.Second => (TimeSpan.TicksPerSecond, 1),
        TimeUnit.Millisecond => (TimeSpan.TicksPerMillisecond, 1),
        TimeUnit.Microsecond => (TimeSpan.TicksPerMicrosecond, 1),
        _ => (1, 100),
    };

    private static int First<T>(ColumnReader column, int rows, T least, T most)
        where T : unmanaged, IComparable<T>
    {
        var values = ((FixedColumn<T>)column).Values(rows);
        for (var row = 0; row < values.Length; row++)
        {
            if ((values[row].CompareTo(least) < 0 || values[row].CompareTo(most) > 0) && !column.IsNull(row))
            {
                return row;
            }
        }

        return -1;
    }
}
