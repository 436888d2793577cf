using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Checking;

/// <summary>The rules as one query of counts, and what the counts mean.</summary>
internal sealed class CheckPlan
{
    private const int MaxRules = 200;

    private readonly List<string> _counts = ["count(*)"];
    private readonly List<Func<IReadOnlyList<long>, Finding?>> _verdicts = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    private CheckPlan()
    {
    }

    /// <summary>One row of 64-bit counts; the first is that of the rows.</summary>
    public string Query => $"select {string.Join(", ", _counts.Select(static (count, i) => string.Create(CultureInfo.InvariantCulture, $"cast({count} as bigint) as c{i}")))} from data";

    public ImmutableDictionary<string, JsonElement> Values { get; private set; } = ImmutableDictionary<string, JsonElement>.Empty;

    /// <summary>Names of the rules, in their order.</summary>
    public List<string> Rules { get; } = [];

    public static CheckPlan Of(CheckOptions options, Schema schema, DateTimeOffset now)
    {
        if (options.Rules.IsDefaultOrEmpty || options.Rules.Length > MaxRules)
        {
            throw Invalid("rules", $"there are {(options.Rules.IsDefault ? 0 : options.Rules.Length)}, and 1 to {MaxRules} are possible");
        }

        var plan = new CheckPlan();
        foreach (var rule in options.Rules)
        {
            plan.Add(rule, schema, now);
        }

        return plan;
    }

    /// <summary>What is wrong, from the counts.</summary>
    public IEnumerable<Finding> Judge(IReadOnlyList<long> counts) => _verdicts.Select(verdict => verdict(counts)).OfType<Finding>();

    private void Add(CheckRule rule, Schema schema, DateTimeOffset now)
    {
        switch (rule.Kind)
        {
            case CheckKind.Rows:
                AddRows(rule);
                break;
            case CheckKind.Schema:
                AddSchema(rule, schema);
                break;
            case CheckKind.NotNull:
                AddCount(Name("not-null", rule.Column), $"count(*) filter (where {Column(rule.Column, schema)} is null)", rule.Column, static n => $"{n:N0} are null");
                break;
            case CheckKind.Range:
                AddRange(rule, schema);
                break;
            case CheckKind.OneOf:
                AddOneOf(rule, schema);
                break;
            case CheckKind.Unique:
                AddUnique(rule, schema);
                break;
            case CheckKind.Fresh:
                AddFresh(rule, schema, now);
                break;
            default:
                var sql = rule.Sql ?? throw Invalid("sql", "a rule of kind 'where' has none");
                AddCount(Name("where", null), $"count(*) filter (where not coalesce(({sql}\n), false))", null, n => $"in {n:N0} rows {sql} does not hold");
                break;
        }
    }

    private void AddRows(CheckRule rule)
    {
        var (min, max) = (Whole(rule.Min, "min"), Whole(rule.Max, "max"));
        var name = Name("rows", null);
        _verdicts.Add(counts => (min is { } least && counts[0] < least) || (max is { } most && counts[0] > most)
            ? new Finding(name, null, counts[0], string.Create(CultureInfo.InvariantCulture, $"there are {counts[0]:N0} rows, {Bounds(min, max)}"))
            : null);
    }

    private void AddSchema(CheckRule rule, Schema schema)
    {
        var wanted = rule.Schema is { Count: > 0 } columns ? columns : throw Invalid("schema", "it names no columns");
        var name = Name("schema", null);
        var wrong = new List<string>();
        foreach (var (column, type) in wanted.OrderBy(static c => c.Key, StringComparer.Ordinal))
        {
            var field = schema.FieldsList.FirstOrDefault(field => field.Name == column);
            if (field is null)
            {
                wrong.Add($"column '{column}' is missing");
            }
            else if (TypeOf(field.DataType) != type)
            {
                wrong.Add($"column '{column}' is {field.DataType.Name}, not {type.ToString().ToLowerInvariant()}");
            }
        }

        _verdicts.Add(_ => wrong.Count == 0 ? null : new Finding(name, null, wrong.Count, string.Join(", ", wrong)));
    }

    private void AddRange(CheckRule rule, Schema schema)
    {
        var column = Column(rule.Column, schema);
        var outside = new List<string>();
        var words = new List<string>();
        foreach (var (bound, sign, word) in new[] { (rule.Min, "<", "below"), (rule.Max, ">", "above") })
        {
            if (bound is { } value)
            {
                outside.Add($"{column} {sign} {Bind(value)}");
                words.Add($"{word} {Text(value)}");
            }
        }

        if (outside.Count == 0)
        {
            throw Invalid("min", $"the range of column '{rule.Column}' has neither min nor max");
        }

        AddCount(Name("range", rule.Column), $"count(*) filter (where {string.Join(" or ", outside)})", rule.Column, n => $"{n:N0} are {string.Join(" or ", words)}");
    }

    private void AddOneOf(CheckRule rule, Schema schema)
    {
        var values = rule.Values is { IsDefaultOrEmpty: false } given ? given : throw Invalid("values", $"those of column '{rule.Column}' are missing");
        var column = Column(rule.Column, schema);
        AddCount(Name("one-of", rule.Column), $"count(*) filter (where {column} not in ({string.Join(", ", values.Select(Bind))}))", rule.Column,
            n => $"{n:N0} are none of {string.Join(", ", values.Take(10).Select(Text))}{(values.Length > 10 ? ", ..." : "")}");
    }

    private void AddUnique(CheckRule rule, Schema schema)
    {
        var names = rule.Columns is { IsDefaultOrEmpty: false } several ? several : [rule.Column ?? throw Invalid("columns", "a rule of kind 'unique' has none")];
        var columns = names.Select(name => Column(name, schema)).ToList();
        var whole = string.Join(" and ", columns.Select(static c => $"{c} is not null"));
        var key = columns.Count == 1 ? columns[0] : $"({string.Join(", ", columns)})";
        var label = string.Join("+", names);
        AddCount(Name("unique", label), $"count(*) filter (where {whole}) - count(distinct {key}) filter (where {whole})", label, static n => $"{n:N0} repeat another row's");
    }

    private void AddFresh(CheckRule rule, Schema schema, DateTimeOffset now)
    {
        var age = rule.MaxAge is { } given && given > TimeSpan.Zero ? given : throw Invalid("maxAge", $"that of column '{rule.Column}' must be above zero");
        var column = Column(rule.Column, schema);
        var name = Name("fresh", rule.Column);
        var at = _counts.Count;
        // Of no rows there is no newest one: that is not fresh.
        _counts.Add($"coalesce(epoch_us(max({column})::timestamp), {long.MinValue + 1})");
        _verdicts.Add(counts =>
        {
            if (counts[at] == long.MinValue + 1)
            {
                return new Finding(name, rule.Column, 1, "there is no newest value");
            }

            var newest = DateTimeOffset.UnixEpoch.AddTicks(counts[at] * TimeSpan.TicksPerMicrosecond);
            return now - newest <= age
                ? null
                : new Finding(name, rule.Column, 1, string.Create(CultureInfo.InvariantCulture, $"the newest, {newest:yyyy-MM-ddTHH:mm:ssZ}, is older than {age}"));
        });
    }

    private void AddCount(string name, string count, string? column, Func<long, string> words)
    {
        var at = _counts.Count;
        _counts.Add(count);
        _verdicts.Add(counts => counts[at] == 0 ? null : new Finding(name, column, counts[at], words(counts[at])));
    }

    private string Name(string kind, string? column)
    {
        var wish = column is null ? kind : $"{kind}.{column}";
        var name = wish;
        for (var n = 2; !_names.Add(name); n++)
        {
            name = string.Create(CultureInfo.InvariantCulture, $"{wish}-{n}");
        }

        Rules.Add(name);
        return name;
    }

    private string Bind(JsonElement value)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"v{Values.Count}");
        Values = Values.Add(name, value);
        return $"${name}";
    }

    private static string Column(string? name, Schema schema)
    {
        if (name is null)
        {
            throw Invalid("column", "a rule has none");
        }

        return schema.FieldsList.Any(field => field.Name == name)
            ? QueryText.Identifier(name)
            : throw new GristmillException(ErrorCodes.UnknownColumn, $"The table has no column '{name}', which a check names.",
                $"It has {string.Join(", ", schema.FieldsList.Select(static field => field.Name))}.").With("column", name);
    }

    private static long? Whole(JsonElement? value, string option) =>
        value is not { } json ? null
        : json.ValueKind == JsonValueKind.Number && json.TryGetInt64(out var number) && number >= 0 ? number
        : throw Invalid(option, $"a number of rows is {json.GetRawText()}");

    private static string Bounds(long? min, long? max) => (min, max) switch
    {
        ({ } least, { } most) => string.Create(CultureInfo.InvariantCulture, $"not {least:N0} to {most:N0}"),
        ({ } least, _) => string.Create(CultureInfo.InvariantCulture, $"fewer than {least:N0}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"more than {max:N0}"),
    };

    private static string Text(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.EnumerateObject().FirstOrDefault() is { Value.ValueKind: JsonValueKind.String } typed ? typed.Value.GetString()! : value.GetRawText();

    private static CheckType? TypeOf(IArrowType type) => type switch
    {
        DictionaryType dictionary => TypeOf(dictionary.ValueType),
        StringType or LargeStringType or StringViewType => CheckType.Text,
        BooleanType => CheckType.Boolean,
        Date32Type or Date64Type => CheckType.Date,
        TimestampType => CheckType.Timestamp,
        FloatingPointType or Decimal32Type or Decimal64Type or Decimal128Type or Decimal256Type => CheckType.Number,
        IntegerType => CheckType.Integer,
        _ => null,
    };

    private static GristmillException Invalid(string option, string why) =>
        new GristmillException(ErrorCodes.Invalid, $"The option {option} of a check is not right: {why}.", "See the options of sql.check.").With("option", option);
}

/// <summary>A rule that is broken.</summary>
/// <param name="Rule">Its name, such as "not-null.date".</param>
/// <param name="Column">Its column, or null.</param>
/// <param name="Count">Rows, or columns, that break it.</param>
/// <param name="Text">What was found.</param>
internal sealed record Finding(string Rule, string? Column, long Count, string Text)
{
    public override string ToString() => Column is null ? $"{Rule}: {Text}" : $"{Rule}: of column '{Column}' {Text}";
}
