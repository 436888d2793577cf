using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.MLNet;

/// <summary>Instants and dates: ticks from a stored integer. Null is the type's default, ML.NET's missing value.</summary>
internal sealed class TimeReader<T>(Func<long, T> make) : ColumnReader<T>
{
    private readonly PinnedValues<long> _longs = new();
    private readonly PinnedValues<int> _ints = new();
    private bool _short;
    private long _ticks;
    private long _divide;

    internal override void Read(int row, ref T value)
    {
        if (IsNull(row))
        {
            value = default!;
            return;
        }

        long stored = _short ? _ints[row] : _longs[row];
        value = make(_divide > 1 ? (long)Math.Floor((decimal)stored / _divide) : checked(stored * _ticks));
    }

    internal override bool LiesIn(Func<nint, int, bool> owns) => _short ? _ints.LiesIn(owns) : _longs.LiesIn(owns);

    protected override void BindValues(IArrowArray array)
    {
        (_ticks, _divide) = array.Data.DataType switch
        {
            Date32Type => (TimeSpan.TicksPerDay, 1),
            Date64Type => (TimeSpan.TicksPerMillisecond, 1),
            TimestampType t => Unit(t.Unit),
            Time32Type t => Unit(t.Unit),
            Time64Type t => Unit(t.Unit),
            DurationType t => Unit(t.Unit),
            var other => throw new InvalidOperationException($"{other.Name} is no time."),
        };
        _short = array.Data.DataType is Date32Type or Time32Type;
        if (_short)
        {
            _ints.Bind(array.Data.Buffers[1].Memory, array.Offset, array.Length);
        }
        else
        {
            _longs.Bind(array.Data.Buffers[1].Memory, array.Offset, array.Length);
        }
    }

    protected override void Release()
    {
        _longs.Dispose();
        _ints.Dispose();
    }

    /// <summary>Ticks are 100 ns, so nanoseconds are cut.</summary>
    private static (long Ticks, long Divide) Unit(TimeUnit unit) => unit switch
    {
        TimeUnit.Second => (TimeSpan.TicksPerSecond, 1),
        TimeUnit.Millisecond => (TimeSpan.TicksPerMillisecond, 1),
        TimeUnit.Microsecond => (TimeSpan.TicksPerMicrosecond, 1),
        _ => (1, TimeSpan.NanosecondsPerTick),
    };
}
