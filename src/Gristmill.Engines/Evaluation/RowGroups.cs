using System.Globalization;
using Apache.Arrow;
using Gristmill.Engines.Features;

namespace Gristmill.Engines;

/// <summary>Groups the rows of a table by the value of a column, or by a part of an instant.</summary>
internal sealed class RowGroups
{
    private const int MaxGroups = 1000;

    private RowGroups(IReadOnlyList<(string Name, int[] Rows)> groups) => Groups = groups;

    /// <summary>Name and row numbers, in the order of values; rows without a value last, as "null".</summary>
    public IReadOnlyList<(string Name, int[] Rows)> Groups { get; }

    public static RowGroups Of(IReadOnlyList<RecordBatch> table, string by, string? part)
    {
        var field = table.Count == 0 ? -1 : InputColumn.IndexOf(table[0].Schema, by);
        if (field < 0)
        {
            throw new GristmillException(ErrorCodes.UnknownColumn, $"The column '{by}' to group by is missing.", "Name a column of the table.").With("column", by);
        }

        var column = InputColumn.Of(table[0].Schema.FieldsList[field]);
        if (column.Type == ColumnType.Timestamp != part is not null || (part is not null && !DateGroup.Parts.Contains(part)))
        {
            throw new GristmillException(ErrorCodes.Invalid,
                column.Type == ColumnType.Timestamp
                    ? $"The column '{by}' is a timestamp, and byPart is {(part is null ? "missing" : $"'{part}'")}."
                    : $"The column '{by}' is no timestamp, so it has no part '{part}'.",
                $"byPart, for timestamps alone, is one of {string.Join(", ", DateGroup.Parts)}.").With("column", by);
        }

        var index = new ValueIndex(part is null ? column.Type : ColumnType.Number);
        KeyCoder coder = part is null ? new LearningCoder(index, column) : new DateGroup(index, part);
        var codes = new int[checked((int)table.Sum(b => (long)b.Length))];
        var done = 0;
        foreach (var batch in table)
        {
            var source = new CodeSource(coder, column, column.Find(batch), done);
            for (var start = 0; start < batch.Length; start += Block.Rows)
            {
                source.Read(start, codes.AsSpan(done + start, Math.Min(Block.Rows, batch.Length - start)));
                if (index.Count > MaxGroups)
                {
                    throw new GristmillException(ErrorCodes.Invalid, $"The column '{by}' has more than {MaxGroups} values to group by.",
                        "Group by a coarser column.").With("column", by);
                }
            }

            done += batch.Length;
        }

        return new RowGroups(Gather(index, codes, code => part is null ? index.NameOf(code) : DateGroup.NameOf(part, index.NameOf(code))));
    }

    private static List<(string, int[])> Gather(ValueIndex index, int[] codes, Func<int, string> nameOf)
    {
        var counts = new int[index.Count + 1];
        foreach (var code in codes)
        {
            counts[code]++;
        }

        var rows = counts.Select(c => new int[c]).ToArray();
        System.Array.Clear(counts);
        for (var row = 0; row < codes.Length; row++)
        {
            rows[codes[row]][counts[codes[row]]++] = row;
        }

        var order = Enumerable.Range(1, index.Count).Where(c => rows[c].Length > 0).ToArray();
        System.Array.Sort(order, index.CompareValues);
        var groups = order.Select(c => (nameOf(c), rows[c])).ToList();
        if (rows[0].Length > 0)
        {
            groups.Add(("null", rows[0]));
        }

        return groups;
    }

    /// <summary>Codes instants by a part: "2001", "2001-04", "2001-04-01", weekday 0 (Sunday) - 6, hour 0 - 23, minute 0 - 59; in UTC.</summary>
    /// <remarks>Rows come in the order of time, as a rule: as long as one follows within the same period, its code is the last one's.</remarks>
    private sealed class DateGroup(ValueIndex index, string part) : KeyCoder
    {
        private DateTime _from = DateTime.MaxValue;
        private DateTime _until;
        private int _code;

        public static readonly string[] Parts = ["year", "month", "day", "weekday", "hour", "minute"];

        public override int OfText(ReadOnlySpan<byte> utf8) => throw new InvalidOperationException("Text has no date.");

        public override int OfNumber(NumberKey key)
        {
            var time = new DateTime(DateTime.UnixEpoch.Ticks + (key.Bits * 10), DateTimeKind.Utc);
            if (time < _from || time >= _until)
            {
                (_from, _until) = Period(time);
                _code = index.AddNumber(new NumberKey(part switch
                {
                    "year" => time.Year,
                    "month" => (time.Year * 100) + time.Month,
                    "day" => (((time.Year * 100) + time.Month) * 100) + time.Day,
                    "weekday" => (int)time.DayOfWeek,
                    "hour" => time.Hour,
                    _ => time.Minute,
                }, false));
            }

            return _code;
        }

        // The instants around a time that have the same part.
        private (DateTime From, DateTime Until) Period(DateTime time)
        {
            var (from, length) = part switch
            {
                "year" => (new DateTime(time.Year, 1, 1), TimeSpan.FromDays(DateTime.IsLeapYear(time.Year) ? 366 : 365)),
                "month" => (new DateTime(time.Year, time.Month, 1), TimeSpan.FromDays(DateTime.DaysInMonth(time.Year, time.Month))),
                "day" or "weekday" => (time.Date, TimeSpan.FromDays(1)),
                "hour" => (time.AddTicks(-(time.Ticks % TimeSpan.TicksPerHour)), TimeSpan.FromHours(1)),
                _ => (time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMinute)), TimeSpan.FromMinutes(1)),
            };
            return (from, DateTime.MaxValue - from < length ? DateTime.MaxValue : from + length);
        }

        public static string NameOf(string part, string number)
        {
            var value = int.Parse(number, CultureInfo.InvariantCulture);
            return part switch
            {
                "year" => value.ToString("D4", CultureInfo.InvariantCulture),
                "month" => string.Create(CultureInfo.InvariantCulture, $"{value / 100:D4}-{value % 100:D2}"),
                "day" => string.Create(CultureInfo.InvariantCulture, $"{value / 10000:D4}-{value / 100 % 100:D2}-{value % 100:D2}"),
                _ => number,
            };
        }
    }
}
