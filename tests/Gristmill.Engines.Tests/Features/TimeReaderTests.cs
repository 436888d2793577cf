using Apache.Arrow;
using Apache.Arrow.Types;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines.Features;

public sealed class TimeReaderTests
{
    private static readonly InputColumn Column = new("t", ColumnType.Timestamp);

    [Fact]
    public void Dates_and_instants_are_microseconds()
    {
        var day = new DateTime(2001, 4, 1, 0, 0, 0, DateTimeKind.Utc);
        var expected = (day.Ticks - DateTime.UnixEpoch.Ticks) / 10;
        IArrowArray[] arrays =
        [
            new Date32Array.Builder().Append(day).AppendNull().Build(), new Date64Array.Builder().Append(day).AppendNull().Build(),
            .. Enum.GetValues<TimeUnit>().Select(u => Timestamps(u, day, null)),
        ];
        foreach (var array in arrays)
        {
            var micros = new long[2];
            TimeReader.Read(array, Column, 0, micros, 0);
            Assert.Equal([expected, TimeReader.Missing], micros);
        }
    }

    [Fact]
    public void Nanoseconds_are_cut_downwards()
    {
        var nanoseconds = new TimestampArray(new TimestampType(TimeUnit.Nanosecond, "UTC"), new ArrowBuffer.Builder<long>().Append(-1).Append(1999).Build(), ArrowBuffer.Empty, 2, 0, 0);
        var micros = new long[2];
        TimeReader.Read(nanoseconds, Column, 0, micros, 0);
        Assert.Equal([-1, 1], micros);
    }

    [Theory]
    [InlineData(TimeUnit.Second, long.MaxValue)]
    [InlineData(TimeUnit.Second, long.MinValue + 1)]
    [InlineData(TimeUnit.Millisecond, 300_000_000_000_000)]
    [InlineData(TimeUnit.Microsecond, 300_000_000_000_000_000)]
    public void Instants_that_no_calendar_of_ours_holds_are_refused(TimeUnit unit, long value)
    {
        var array = new TimestampArray(new TimestampType(unit, "UTC"), new ArrowBuffer.Builder<long>().Append(value).Build(), ArrowBuffer.Empty, 1, 0, 0);
        var error = Assert.Throws<GristmillException>(() => TimeReader.Read(array, Column, 0, new long[1], rowBase: 5));
        Assert.Equal(ErrorCodes.BadValue, error.Code);
        Assert.Equal("5", error.Error.Details["row"]);
    }
}
