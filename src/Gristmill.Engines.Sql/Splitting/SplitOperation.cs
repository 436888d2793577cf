using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Apache.Arrow.Types;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Engines.Sql.Querying;
using Gristmill.Engines.Sql.Sessions;
using Gristmill.Objects;

namespace Gristmill.Engines.Sql.Splitting;

/// <summary>"sql.split".</summary>
internal static class SplitOperation
{
    private const string Data = "data";
    private const int MaxParts = 100;

    public static StageOutputs Run(StageContext context, SqlEngineOptions engine, CancellationToken cancellationToken)
    {
        var options = context.Options<SplitOptions>();
        using var lease = context.Dataset(Data);
        var columns = new InputColumns(lease.Schema);
        var parts = options.By switch
        {
            SplitBy.Value or SplitBy.Time => Ordered(options, lease, columns),
            SplitBy.Random => AtRandom(options),
            SplitBy.Group => Grouped(options, columns),
            SplitBy.Stratified => Stratified(options, columns),
            _ => throw Invalid("by", "it is none of value, time, random, group and stratified"),
        };
        var names = Names(options, parts.Conditions.Count);

        using var session = DuckSession.Open(context, engine);
        sbyte[] assigned = [];
        Func<long, long>? label = parts.Assign is not null ? row => assigned[row] : parts.Random is { } random ? row => random.Of(row) : null;
        session.AddInput(Data, new SegmentTable(lease.Schema, lease.Batches, lease.Share(), label), InputColumns.Prefix);
        session.Seal();
        if (parts is { Key: { } key, Assign: { } assign })
        {
            assigned = assign(RowKeys.Read(context, session, Data, columns, key, cancellationToken));
        }

        var written = new List<ObjectRef>();
        try
        {
            foreach (var (condition, values) in parts.Conditions)
            {
                // An error shows the line that it is in, and there may be thousands of columns.
                var query = $"select {string.Join(", ", columns.All)}\nfrom {Data}\nwhere {condition}";
                Exception Fail(string error) => QueryErrors.Explain(DuckError.Parse(error), query, context, cancellationToken);
                using var statement = DuckStatement.Prepare(session, query, Fail);
                ParameterBinder.Bind(statement, values);
                written.Add(statement.Run(context.Objects, columns.Names, cancellationToken));
            }

            if (written.Sum(part => part.Rows) != lease.Ref.Rows)
            {
                throw Invalid("at", "its values do not ascend, so that parts overlap");
            }
        }
        catch
        {
            written.ForEach(part => context.Objects.Delete(part.Id));
            throw;
        }

        var outputs = new StageOutputs();
        for (var i = 0; i < names.Count; i++)
        {
            outputs.Add(names[i], Artifact.Of(written[i]));
        }

        return outputs;
    }

    private static Parts Shares(List<double> fractions) => new([.. Enumerable.Range(0, fractions.Count).Select(part => (
        string.Create(CultureInfo.InvariantCulture, $"{SegmentTable.LabelColumn} = {part}"),
        ImmutableDictionary<string, JsonElement>.Empty))]);

    private static Parts AtRandom(SplitOptions options)
    {
        var fractions = Fractions(options);
        return Shares(fractions) with { Random = new RandomPartition(fractions, options.Seed) };
    }

    private static Parts Grouped(SplitOptions options, InputColumns columns)
    {
        var fractions = Fractions(options);
        var random = new RandomPartition(fractions, options.Seed);
        return Shares(fractions) with
        {
            Key = RowKeys.Find(columns, options.Columns, options.Column) ?? throw Invalid("columns", "it names none"),
            Assign = keys => [.. keys.Select(key => random.Of((long)key))],
        };
    }

    private static Parts Stratified(SplitOptions options, InputColumns columns)
    {
        var fractions = Fractions(options);
        return Shares(fractions) with
        {
            Key = RowKeys.Find(columns, options.Columns, options.Column) ?? throw Invalid("columns", "it names none"),
            Assign = keys =>
            {
                var classes = new RowClasses(keys);
                return RowQuotas.Assign(classes, options.Seed, classes.Sizes.Select(size => RowQuotas.Divide(size, fractions)));
            },
        };
    }

    private static List<double> Fractions(SplitOptions options)
    {
        var fractions = (options.Fractions ?? []).ToList();
        if (fractions.Count == 0 || fractions.Any(fraction => !(fraction > 0 && fraction <= 1)) || fractions.Sum() > 1 + 1e-9)
        {
            throw Invalid("fractions", "it must list shares above 0 that sum to 1 at most");
        }

        if (1 - fractions.Sum() is > 1e-9 and var rest)
        {
            fractions.Add(rest);
        }

        CheckCount(fractions.Count);
        return fractions;
    }

    private static Parts Ordered(SplitOptions options, ObjectLease lease, InputColumns columns)
    {
        var name = options.Column ?? throw Invalid("column", "it is missing");
        var column = columns.Find(name);
        var nulls = lease.Batches.Sum(batch => (long)batch.Column(column).NullCount);
        if (nulls > 0)
        {
            throw new GristmillException(ErrorCodes.BadValue, $"Column '{name}' is null in {nulls} rows, which belong to no part.",
                "Filter them out in a query before.").With("column", name);
        }

        var at = options.At ?? throw Invalid("at", "it is missing");
        JsonElement[] bounds = at.ValueKind == JsonValueKind.Array ? [.. at.EnumerateArray()] : [at];
        if (bounds.Length == 0 || bounds.Any(bound => bound.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined))
        {
            throw Invalid("at", "it must be a value or a list of values");
        }

        CheckCount(bounds.Length + 1);
        if (options.By == SplitBy.Time)
        {
            bounds = [.. bounds.Select(Time)];
        }

        var type = lease.Schema.GetFieldByIndex(column).DataType;
        if (bounds.Any(IsTime) && type is not (Date32Type or Date64Type or TimestampType))
        {
            throw new GristmillException(ErrorCodes.TypeMismatch, $"Column '{name}' has the type {type.Name}, which is no time.",
                "Cast it in a query before, or split by another value.").With("column", name);
        }

        return new Parts([.. Enumerable.Range(0, bounds.Length + 1).Select(part => Condition(columns.At(column), bounds, part))]);
    }

    private static (string, ImmutableDictionary<string, JsonElement>) Condition(string column, JsonElement[] bounds, int part)
    {
        var values = ImmutableDictionary<string, JsonElement>.Empty;
        var conditions = new List<string>();
        if (part > 0)
        {
            conditions.Add($"{column} >= $from");
            values = values.Add("from", bounds[part - 1]);
        }

        if (part < bounds.Length)
        {
            conditions.Add($"{column} < $until");
            values = values.Add("until", bounds[part]);
        }

        return (string.Join(" and ", conditions), values);
    }

    /// <summary>Takes a plain ISO 8601 string for a date or timestamp.</summary>
    private static JsonElement Time(JsonElement bound)
    {
        if (bound.ValueKind != JsonValueKind.String)
        {
            return bound;
        }

        var text = bound.GetString()!;
        var kind = DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _) ? "$date" : "$timestamp";
        return JsonSerializer.SerializeToElement(new Dictionary<string, string> { [kind] = text });
    }

    private static bool IsTime(JsonElement bound) =>
        bound.ValueKind == JsonValueKind.Object && (bound.TryGetProperty("$date", out _) || bound.TryGetProperty("$timestamp", out _));

    private static IReadOnlyList<string> Names(SplitOptions options, int count)
    {
        if (options.Names is { IsDefaultOrEmpty: false } names)
        {
            return names.Length == count && names.Distinct(StringComparer.Ordinal).Count() == count && !names.Any(string.IsNullOrWhiteSpace)
                ? names
                : throw Invalid("names", $"it must name each of the {count} parts, differently");
        }

        return count switch
        {
            2 => ["train", "test"],
            3 => ["train", "validation", "test"],
            _ => [.. Enumerable.Range(0, count).Select(part => string.Create(CultureInfo.InvariantCulture, $"part{part}"))],
        };
    }

    private static void CheckCount(int count)
    {
        if (count > MaxParts)
        {
            throw Invalid("at or fractions", $"it makes {count} parts, and {MaxParts} are the most");
        }
    }

    private static GristmillException Invalid(string option, string why) =>
        new GristmillException(ErrorCodes.Invalid, $"The option {option} of a split is not right: {why}.", "See the options of sql.split.").With("option", option);

    /// <summary>What to ask the scanned table for.</summary>
    /// <param name="Conditions">Which rows each part has.</param>
    private sealed record Parts(IReadOnlyList<(string Condition, ImmutableDictionary<string, JsonElement> Values)> Conditions)
    {
        /// <summary>Says the part of a row by its number, where the division is of rows.</summary>
        public RandomPartition? Random { get; init; }

        /// <summary>The columns whose values decide, where rows are looked at first.</summary>
        public IReadOnlyList<int>? Key { get; init; }

        /// <summary>Gives the rows' parts from their keys.</summary>
        public Func<ulong[], sbyte[]>? Assign { get; init; }
    }
}
