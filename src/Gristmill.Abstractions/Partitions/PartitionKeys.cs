using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Gristmill;

/// <summary>
/// The partitions of a pipeline: their keys in order, ranges of them, and the parameters that a run of them gets. A key of two
/// dimensions is "2001-04/ATL", in their order; a range is "2001-01..2001-06", in either dimension, and "*" is all of one.
/// </summary>
public sealed class PartitionKeys
{
    /// <summary>The most partitions a pipeline can have; of times without an end, which grow, the most that a range can have.</summary>
    public const int Most = 100_000;

    private const string To = "..";

    private readonly PartitionSpec _spec;
    private readonly DateOnly _today;
    private readonly string[][] _keys;

    /// <summary>Lists the keys as of a day.</summary>
    /// <param name="spec">A valid spec.</param>
    /// <param name="today">Where a dimension without an end stops: partitions that have not ended by then are not there yet.</param>
    public PartitionKeys(PartitionSpec spec, DateOnly today)
    {
        ArgumentNullException.ThrowIfNull(spec);
        (_spec, _today) = (spec, today);
        _keys = [.. spec.Dimensions.Select(KeysOf)];
    }

    /// <summary>Keys by dimension, in order.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Dimensions => _keys;

    /// <summary>How many there are.</summary>
    public long Count => Product(_keys.Select(static keys => keys.Length));

    /// <summary>What is wrong with a spec, each a sentence; empty if nothing is.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="parameters">The pipeline's parameters.</param>
    public static IReadOnlyList<string> Problems(PartitionSpec spec, IReadOnlyCollection<ParameterSpec> parameters)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(parameters);
        var problems = new List<string>();
        if (spec.Dimensions.IsDefault || spec.Dimensions.Length is < 1 or > 2)
        {
            return ["partitions have one dimension or two"];
        }

        foreach (var dimension in spec.Dimensions)
        {
            var name = dimension.Name;
            if (!GristmillName.IsValid(name))
            {
                problems.Add($"'{name}' is not a name of a dimension ({GristmillName.Rule})");
            }
            else if (!Enum.IsDefined(dimension.Kind))
            {
                problems.Add($"dimension '{name}' is of the unknown kind {(int)dimension.Kind}");
            }
            else if (dimension.Kind == PartitionKind.Static)
            {
                var keys = dimension.Keys.IsDefault ? [] : dimension.Keys;
                if (keys.Length == 0 || keys.Distinct(StringComparer.Ordinal).Count() != keys.Length || !keys.All(GristmillName.IsValid) || keys.Any(static key => key.Contains(To, StringComparison.Ordinal)))
                {
                    problems.Add($"dimension '{name}' needs keys, each once, each a name without '..' ({GristmillName.Rule})");
                }
            }
            else if (dimension.From is null || dimension.To <= dimension.From)
            {
                problems.Add($"dimension '{name}' goes from {dimension.From?.ToString("O", CultureInfo.InvariantCulture) ?? "nowhere"} to {dimension.To?.ToString("O", CultureInfo.InvariantCulture) ?? "now"}; it needs a first day, and a later end if any");
            }

            foreach (var (parameter, type) in ParametersOf(dimension))
            {
                if (parameters.FirstOrDefault(p => p.Name == parameter)?.Type != type)
                {
                    problems.Add($"dimension '{name}' needs a parameter '{parameter}' of type {type.ToString().ToLowerInvariant()}");
                }
            }
        }

        if (spec.Dimensions.Length == 2 && spec.Dimensions[0].Name == spec.Dimensions[1].Name)
        {
            problems.Add($"both dimensions are named '{spec.Dimensions[0].Name}'");
        }

        // One without an end counts as its first: how many there are depends on the day.
        if (problems.Count == 0 && Product(spec.Dimensions.Select(static d => Math.Max(1, Size(d, d.From.GetValueOrDefault())))) > Most)
        {
            problems.Add($"there are more than {Most} partitions");
        }

        problems.AddRange((spec.Upstream.IsDefault ? [] : spec.Upstream).Where(static name => !GristmillName.IsValid(name)).Select(static name => $"'{name}' is not a pipeline name ({GristmillName.Rule})"));
        return problems;
    }

    /// <summary>All keys in order: by the first dimension, then by the second.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: by now there are more than <see cref="Most"/>.</exception>
    public IReadOnlyList<string> All()
    {
        Limit("*", Count);
        return Grid(_keys);
    }

    /// <summary>
    /// What a run, a backfill or a mark is for, in its whole form: a key, or a range. <c>@2001-05-01</c> is the partition of time that has
    /// ended last by that day. For two dimensions it stands in the place of one, or alone: then for each that is one of time, with all
    /// keys of one that is not. <c>*</c> alone is all partitions.
    /// </summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Partition"/>: there is no such partition; or <see cref="ErrorCodes.Invalid"/>: there are more than <see cref="Most"/>.</exception>
    public string Normalize(string text) => string.Join('/', Bounds(text).Select(Text));

    /// <summary>The keys of a range, in order.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Partition"/> or <see cref="ErrorCodes.Invalid"/>, as of <see cref="Normalize"/>.</exception>
    public IReadOnlyList<string> Range(string text) => Grid([.. Bounds(text).Select((bounds, i) => _keys[i][bounds.First..(bounds.Last + 1)])]);

    /// <summary>The keys of a range, in order, or null if there is no such partition.</summary>
    public IReadOnlyList<string>? Find(string text)
    {
        try
        {
            return Range(text);
        }
        catch (GristmillException)
        {
            return null;
        }
    }

    /// <summary>The parameters of a run: keys, and for each dimension of time the first day and the day after the last.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Partition"/> or <see cref="ErrorCodes.Invalid"/>, as of <see cref="Normalize"/>.</exception>
    public ImmutableDictionary<string, string> Parameters(string text)
    {
        var values = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        var all = Bounds(text);
        for (var i = 0; i < all.Length; i++)
        {
            var (dimension, bounds) = (_spec.Dimensions[i], all[i]);
            if (dimension.Kind == PartitionKind.Static && bounds.First != bounds.Last)
            {
                throw Refuse(Text(bounds, i), $"a run is for one key of '{dimension.Name}'", "Name one, or backfill the range.");
            }

            values[dimension.Name] = JsonSerializer.Serialize(Text(bounds, i), GristmillJson.Options);
            if (dimension.Kind != PartitionKind.Static)
            {
                values[$"{dimension.Name}-start"] = JsonSerializer.Serialize(Start(dimension, bounds.First), GristmillJson.Options);
                values[$"{dimension.Name}-end"] = JsonSerializer.Serialize(Start(dimension, bounds.Last + 1), GristmillJson.Options);
            }
        }

        return values.ToImmutable();
    }

    /// <summary>The parameters that a dimension needs.</summary>
    public static IEnumerable<(string Name, ParameterType Type)> ParametersOf(PartitionDimension dimension)
    {
        ArgumentNullException.ThrowIfNull(dimension);
        yield return (dimension.Name, ParameterType.String);
        if (dimension.Kind != PartitionKind.Static)
        {
            yield return ($"{dimension.Name}-start", ParameterType.Date);
            yield return ($"{dimension.Name}-end", ParameterType.Date);
        }
    }

    private static long Product(IEnumerable<int> sizes) => sizes.Aggregate(1L, static (product, size) => product * size);

    private static string[] Grid(string[][] keys) => keys.Length == 1 ? keys[0] : [.. keys[0].SelectMany(first => keys[1].Select(second => $"{first}/{second}"))];

    private static void Limit(string text, long count)
    {
        if (count > Most)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{text}' is {count} partitions; at most {Most} are possible at once.", "Name a smaller range.").With("partition", text);
        }
    }

    private string Text((int First, int Last) bounds, int i) => bounds.First == bounds.Last ? _keys[i][bounds.First] : _keys[i][bounds.First] + To + _keys[i][bounds.Last];

    /// <summary>What a text is in each dimension: numbers of keys.</summary>
    private (int First, int Last)[] Bounds(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var bounds = Split(text).Select((part, i) => Bounds(i, part)).ToArray();
        Limit(text, Product(bounds.Select(static one => one.Last - one.First + 1)));
        return bounds;
    }

    private string[] Split(string text)
    {
        // Said once for all dimensions; a day says nothing of listed keys, and nothing at all where there is no time.
        if (text == "*" || (Day(text) is not null && _spec.Dimensions.Any(static d => d.Kind != PartitionKind.Static)))
        {
            return [.. _spec.Dimensions.Select(d => d.Kind == PartitionKind.Static ? "*" : text)];
        }

        var parts = text.Split('/');
        return parts.Length == _keys.Length ? parts : throw Refuse(text, $"the pipeline is partitioned by {string.Join(" and ", _spec.Dimensions.Select(static d => $"'{d.Name}'"))}",
            _keys.Length == 1 ? "Write a key, or a range as FROM..TO." : "Write both keys, as FIRST/SECOND; either may be a range FROM..TO, or * for all.");
    }

    private static DateOnly? Day(string key) =>
        key.StartsWith('@') && DateOnly.TryParseExact(key[1..], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;

    private (int First, int Last) Bounds(int i, string part)
    {
        if (_keys[i].Length == 0)
        {
            throw Refuse(part, $"'{_spec.Dimensions[i].Name}' has no partitions yet");
        }

        if (part == "*")
        {
            return (0, _keys[i].Length - 1);
        }

        var dots = part.IndexOf(To, StringComparison.Ordinal);
        if (dots < 0)
        {
            var at = Index(i, part);
            return (at, at);
        }

        var (first, last) = (Index(i, part[..dots]), Index(i, part[(dots + To.Length)..]));
        return first <= last ? (first, last) : throw Refuse(part, "the range ends before it begins", "Write it as FROM..TO.");
    }

    private int Index(int i, string key)
    {
        var dimension = _spec.Dimensions[i];
        if (dimension.Kind != PartitionKind.Static && Day(key) is { } day)
        {
            // The last whose end is not after the day.
            var index = Math.Min(Number(dimension, day), _keys[i].Length) - 1;
            return index >= 0 ? index : throw Refuse(key, $"no partition of '{dimension.Name}' has ended by then");
        }

        var at = dimension.Kind == PartitionKind.Static ? Array.IndexOf(_keys[i], key) : Array.BinarySearch(_keys[i], key, StringComparer.Ordinal);
        return at >= 0 ? at : throw Refuse(key, _keys[i].Length == 1 ? $"'{dimension.Name}' has only '{_keys[i][0]}'" : $"'{dimension.Name}' goes from '{_keys[i][0]}' to '{_keys[i][^1]}'");
    }

    private static GristmillException Refuse(string text, string why, string? hint = null) =>
        new GristmillException(ErrorCodes.Partition, $"There is no partition '{text}': {why}.", hint ?? "'mill partitions PIPELINE' lists them.").With("partition", text);

    private string[] KeysOf(PartitionDimension dimension)
    {
        if (dimension.Kind == PartitionKind.Static)
        {
            return [.. dimension.Keys];
        }

        var keys = new string[Math.Min(Size(dimension, _today), Most)];
        for (var i = 0; i < keys.Length; i++)
        {
            var start = Start(dimension, i);
            keys[i] = dimension.Kind switch
            {
                PartitionKind.Day => start.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                PartitionKind.Month => start.ToString("yyyy-MM", CultureInfo.InvariantCulture),
                _ => string.Create(CultureInfo.InvariantCulture, $"{ISOWeek.GetYear(start.ToDateTime(default)):0000}-W{ISOWeek.GetWeekOfYear(start.ToDateTime(default)):00}"),
            };
        }

        return keys;
    }

    private static int Size(PartitionDimension dimension, DateOnly today) => dimension.Kind switch
    {
        PartitionKind.Static => dimension.Keys.Length,
        // With an end, whatever it touches is there; without, what has ended.
        _ when dimension.To is { } to => Number(dimension, to.AddDays(-1)) + 1,
        _ => Math.Max(0, Number(dimension, today)),
    };

    /// <summary>The number of the partition that a day is in.</summary>
    private static int Number(PartitionDimension dimension, DateOnly day)
    {
        var from = First(dimension);
        return dimension.Kind switch
        {
            PartitionKind.Day => day.DayNumber - from.DayNumber,
            PartitionKind.Week => (int)Math.Floor((day.DayNumber - from.DayNumber) / 7.0),
            _ => ((day.Year - from.Year) * 12) + day.Month - from.Month,
        };
    }

    private static DateOnly Start(PartitionDimension dimension, int number)
    {
        var from = First(dimension);
        return dimension.Kind switch
        {
            PartitionKind.Day => from.AddDays(number),
            PartitionKind.Week => from.AddDays(7 * number),
            _ => from.AddMonths(number),
        };
    }

    private static DateOnly First(PartitionDimension dimension)
    {
        var from = dimension.From!.Value;
        return dimension.Kind switch
        {
            PartitionKind.Day => from,
            PartitionKind.Week => from.AddDays(-(((int)from.DayOfWeek + 6) % 7)),
            _ => new DateOnly(from.Year, from.Month, 1),
        };
    }
}
