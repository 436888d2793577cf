using Apache.Arrow;

namespace Gristmill.Objects.Statistics;

/// <summary>Booleans: all there is to know is how many are true.</summary>
internal sealed class BooleanCollector : ColumnCollector
{
    private long _true;
    private long _false;

    public override void AddCounted(IArrowArray values, ReadOnlySpan<long> counts)
    {
        for (int i = 0; i < counts.Length; i++)
        {
            Add(((BooleanArray)values).GetValue(i), counts[i]);
        }
    }

    protected override void AddValues(IArrowArray array, int level)
    {
        var values = (BooleanArray)array;
        for (int i = 0; i < values.Length; i++)
        {
            Add(values.GetValue(i), 1);
        }
    }

    protected override ColumnStatistics Describe(ColumnStatistics known) => known with
    {
        Min = _true + _false == 0 ? null : _false > 0 ? "false" : "true",
        Max = _true + _false == 0 ? null : _true > 0 ? "true" : "false",
        Mean = _true + _false == 0 ? null : _true / (double)(_true + _false),
        Distinct = (_true > 0 ? 1 : 0) + (_false > 0 ? 1 : 0),
        Top = [.. new[] { new ValueCount("true", _true), new ValueCount("false", _false) }.Where(static value => value.Count > 0).OrderByDescending(static value => value.Count)],
    };

    private void Add(bool? value, long count)
    {
        _true += value == true ? count : 0;
        _false += value == false ? count : 0;
    }
}
