using System.Collections.Immutable;
using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>DateParts: year, month 1-12, day 1-31, weekday 0 (Sunday) - 6, hour, minute, in UTC.</summary>
internal sealed class DatePartsTransform : Transform
{
    private static readonly string[] Known = ["year", "month", "day", "weekday", "hour", "minute"];

    private readonly InputColumn _column;
    private readonly int[] _parts;

    public DatePartsTransform(TransformSpec spec, int input, InputColumn column)
        : base(spec, [input])
    {
        var parts = spec.Parts is { IsDefaultOrEmpty: false } given ? given : [.. Known];
        _column = column;
        _parts = [.. parts.Select(p => System.Array.IndexOf(Known, p))];
        if (_parts.Contains(-1) || _parts.Distinct().Count() != _parts.Length)
        {
            throw PlanErrors.Option(spec, "parts", $"are {string.Join(", ", parts)}", $"Use of {string.Join(", ", Known)}, each once.");
        }

        Features = [.. parts.Select(p => new EncodedFeature($"{column.Name}.{p}", column.Name, 0))];
    }

    public override ImmutableArray<EncodedFeature> Features { get; }

    public override bool TakesNull => false;

    public override bool UsesKeys => false;

    public override BoundTransform Bind(IArrowArray[] columns, long rowBase) => new Bound(this, columns[Inputs[0]], rowBase);

    public override void EncodeRow(ReadOnlySpan<Cell> cells, ReadOnlySpan<byte> text, Span<float> features, long row)
    {
        ref readonly var cell = ref cells[Inputs[0]];
        Write(cell.Kind == CellKind.Missing ? TimeReader.Missing : cell.Key.Bits, features, row);
    }

    public override FittedTransform Save() => FittedTransform.Of(Spec);

    private void Write(long micros, Span<float> features, long row)
    {
        if (micros == TimeReader.Missing)
        {
            throw _column.BadValue(row, "the instant is null", "Filter such rows out, or fill them in SQL.");
        }

        var time = new DateTime(DateTime.UnixEpoch.Ticks + (micros * 10), DateTimeKind.Utc);
        for (var i = 0; i < _parts.Length; i++)
        {
            features[i] = _parts[i] switch
            {
                0 => time.Year,
                1 => time.Month,
                2 => time.Day,
                3 => (int)time.DayOfWeek,
                4 => time.Hour,
                _ => time.Minute,
            };
        }
    }

    private sealed class Bound(DatePartsTransform owner, IArrowArray array, long rowBase) : BoundTransform
    {
        public override void Encode(int start, int count, Span<float> matrix, int width)
        {
            Span<long> micros = stackalloc long[count];
            TimeReader.Read(array, owner._column, start, micros, rowBase);
            for (int i = 0, at = 0; i < micros.Length; i++, at += width)
            {
                owner.Write(micros[i], matrix[at..], rowBase + start + i);
            }
        }
    }
}
