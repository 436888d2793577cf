using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Statistics;

/// <summary>Numbers, and times, which are numbers with another face.</summary>
internal sealed class NumberCollector<T>(IArrowType type) : ColumnCollector
    where T : unmanaged, INumber<T>, IMinMaxValue<T>
{
    private const int Run = 1024;
    private static readonly double[] s_shares = [.01, .05, .25, .5, .75, .95, .99];
    private readonly QuantileSketch _quantiles = new();
    private readonly bool _isTime = type is Date32Type or Date64Type or Time32Type or Time64Type or TimestampType;
    private T _min;
    private T _max;
    private long _count;
    private long _notNumbers;
    private double _origin;
    private double _sum;
    private double _squares;

    public override void AddCounted(IArrowArray values, ReadOnlySpan<long> counts)
    {
        var numbers = ((PrimitiveArray<T>)values).Values;
        for (int i = 0; i < counts.Length; i++)
        {
            if (counts[i] > 0 && values.IsValid(i))
            {
                Add(numbers[i], counts[i]);
                Sample(numbers[i], counts[i]);
            }
        }
    }

    protected override void AddValues(IArrowArray array, int level)
    {
        var values = ((PrimitiveArray<T>)array).Values;
        bool all = array.NullCount == 0;
        if (all && _count > 0)
        {
            for (int at = 0; at < values.Length; at += Run)
            {
                AddRun(values.Slice(at, Math.Min(Run, values.Length - at)));
            }
        }
        else
        {
            for (int i = 0; i < values.Length; i++)
            {
                if (all || array.IsValid(i))
                {
                    Add(values[i], 1);
                }
            }
        }

        for (int group = 0; group << level < values.Length; group++)
        {
            int row = Sampled(group, level);
            if (row < values.Length && (all || array.IsValid(row)))
            {
                Sample(values[row], 1L << level);
            }
        }
    }

    /// <summary>Adds values without nulls, as <see cref="Add"/> does one: in loops so small that all they use stays in registers.</summary>
    private void AddRun(ReadOnlySpan<T> values)
    {
        T min = _min, max = _max;
        bool numbers = true;
        foreach (T value in values)
        {
            numbers &= !T.IsNaN(value);
            min = value < min ? value : min;
            max = value > max ? value : max;
        }

        if (!numbers)
        {
            foreach (T value in values)
            {
                Add(value, 1);
            }

            return;
        }

        (_min, _max) = (min, max);
        _count += values.Length;
        double origin = _origin, sum = 0, squares = 0;
        foreach (T value in values)
        {
            double difference = double.CreateTruncating(value) - origin;
            sum += difference;
            squares += difference * difference;
        }

        _sum += sum;
        _squares += squares;
        foreach (T value in values)
        {
            Distinguish(Hash(value));
        }
    }

    protected override ColumnStatistics Describe(ColumnStatistics known)
    {
        known = WithCounts(known with { NotNumbers = _notNumbers }, (bytes, _) => Show(MemoryMarshal.Read<T>(bytes)));
        if (_count == 0)
        {
            return known;
        }

        known = known with { Min = Show(_min), Max = Show(_max) };
        double mean = _origin + _sum / _count;
        return _isTime ? known : known with
        {
            Mean = mean,
            StandardDeviation = Math.Sqrt(Math.Max(0, _squares / _count - _sum / _count * (_sum / _count))),
            Quantiles = _quantiles.Quantiles(s_shares),
        };
    }

    private void Add(T value, long count)
    {
        if (T.IsNaN(value))
        {
            _notNumbers += count;
            return;
        }

        double number = double.CreateTruncating(value);
        if (_count == 0)
        {
            // Sums of differences from some value of the column: squares of large numbers would drown small deviations.
            (_min, _max, _origin) = (value, value, double.IsFinite(number) ? number : 0);
        }

        _min = T.Min(_min, value);
        _max = T.Max(_max, value);
        _count += count;
        double difference = number - _origin;
        _sum += count * difference;
        _squares += count * difference * difference;
        Distinguish(Hash(value));
    }

    private void Sample(T value, long count)
    {
        if (T.IsNaN(value))
        {
            return;
        }

        Count(Hash(value), MemoryMarshal.AsBytes(new ReadOnlySpan<T>(ref value)), count);
        double number = double.CreateTruncating(value);
        for (int level = 0; count >> level != 0; level++)
        {
            if ((count >> level & 1) != 0)
            {
                _quantiles.Add(number, level);
            }
        }
    }

    /// <summary>The two zeros are one value.</summary>
    private static ulong Hash(T value) => Mix(T.IsZero(value) ? 0 : BitConverter.IsLittleEndian ? Bits(value) : ulong.CreateTruncating(value));

    private static ulong Bits(T value)
    {
        ulong bits = 0;
        MemoryMarshal.Write(MemoryMarshal.AsBytes(new Span<ulong>(ref bits)), value);
        return bits;
    }

    private string Show(T value)
    {
        try
        {
            return type switch
            {
                Date32Type => DateOnly.FromDayNumber(UnixDay + int.CreateChecked(value)).ToString("O", CultureInfo.InvariantCulture),
                Date64Type => DateTime.UnixEpoch.AddMilliseconds(long.CreateChecked(value)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                TimestampType stamp => DateTime.UnixEpoch.AddTicks(Ticks(long.CreateChecked(value), stamp.Unit)).ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture) + (string.IsNullOrEmpty(stamp.Timezone) ? "" : "Z"),
                Time32Type time => new TimeOnly(Ticks(long.CreateChecked(value), time.Unit)).ToString("HH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture),
                Time64Type time => new TimeOnly(Ticks(long.CreateChecked(value), time.Unit)).ToString("HH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture),
                _ => value.ToString(null, CultureInfo.InvariantCulture),
            };
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or OverflowException)
        {
            return value.ToString(null, CultureInfo.InvariantCulture); // beyond the calendar
        }
    }

    private const int UnixDay = 719_162;

    private static long Ticks(long value, TimeUnit unit) => unit switch
    {
        TimeUnit.Second => checked(value * TimeSpan.TicksPerSecond),
        TimeUnit.Millisecond => checked(value * TimeSpan.TicksPerMillisecond),
        TimeUnit.Microsecond => checked(value * TimeSpan.TicksPerMicrosecond),
        _ => value / TimeSpan.NanosecondsPerTick,
    };
}
