using System.Collections.Immutable;
using System.Globalization;
using Apache.Arrow.Types;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Engines.Sql.Querying;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Joining;

/// <summary>"sql.point-in-time-join".</summary>
internal static class PointInTimeOperation
{
    private const string Data = "data";

    public static StageOutputs Run(StageContext context, SqlEngineOptions engine, CancellationToken cancellationToken)
    {
        var options = context.Options<PointInTimeOptions>();
        if (options.Keys.IsDefaultOrEmpty || options.Features.IsDefaultOrEmpty)
        {
            throw Invalid(options.Keys.IsDefaultOrEmpty ? "keys" : "features", "it names none");
        }

        using var session = DuckSession.Open(context, engine);
        var spine = Add(session, context, Data, "spine");
        var keys = options.Keys.Select(key => spine.Find(key, "The spine")).ToArray();
        var time = Time(spine, options.Timestamp, "The spine");
        var features = options.Features.Select((feature, i) => Feature.Of(Add(session, context, feature.Input, View(i)), feature, options)).ToArray();
        session.Seal();

        // All in one unit: a finer time cut to a coarser one would be known too early.
        var nanoseconds = features.Select(feature => feature.Columns.TypeOf(feature.Time)).Append(spine.TypeOf(time)).Any(static type => type is TimestampType { Unit: TimeUnit.Nanosecond });
        var names = spine.Names.Concat(features.SelectMany(static feature => feature.Names)).ToList();
        RequireDifferent(names);

        var selected = spine.All.Select(static column => $"s.{column}").ToList();
        var tables = new List<string> { $"s as (select *, {Instant(spine, time, nanoseconds)} as t, {SegmentTable.LabelColumn} as r from spine)" };
        var joins = "";
        for (var i = 0; i < features.Length; i++)
        {
            var feature = features[i];
            for (var key = 0; key < keys.Length; key++)
            {
                JoinKeys.RequireEqual(spine, keys[key], "The spine", feature.Columns, feature.Keys[key], $"input '{options.Features[i].Input}'");
            }

            var view = View(i);
            var partition = string.Join(", ", feature.Keys.Select(feature.Columns.At));

            // Of rows of one key and time only one is left, so that the join has nothing to choose from.
            tables.Add($"""
                k{view} as (select * from (select *, {Instant(feature.Columns, feature.Time, nanoseconds)} as t, {SegmentTable.LabelColumn} as r from {view})
                where {string.Join(" and ", feature.Keys.Select(key => $"{feature.Columns.At(key)} is not null"))} and t is not null
                qualify row_number() over (partition by {partition}, t order by r desc) = 1)
                """);
            var equal = string.Join(" and ", keys.Select((key, n) => $"s.{spine.At(key)} = k{view}.{feature.Columns.At(feature.Keys[n])}"));
            joins += $"\nasof left join k{view} on {equal} and s.t >= k{view}.t";

            // DuckDB's ASOF LEFT JOIN gives a row without a time the newest row of its key: the future.
            var lives = "s.t is not null";
            if (feature.Ttl is { } ttl)
            {
                lives += string.Create(CultureInfo.InvariantCulture, $" and s.t::hugeint - k{view}.t <= {(nanoseconds ? ttl.Ticks * (Int128)100 : ttl.Ticks / 10)}");
            }

            selected.AddRange(feature.Values.Select(column => $"k{view}.{feature.Columns.At(column)}").Select(value => $"case when {lives} then {value} end"));
        }

        var query = $"with {string.Join(",\n", tables)}\nselect {string.Join(", ", selected)}\nfrom s{joins}\norder by s.r";
        Exception Fail(string error) => QueryErrors.Explain(DuckError.Parse(error), query, context, cancellationToken);
        using var statement = DuckStatement.Prepare(session, query, Fail);
        return StageOutputs.Of(statement.Run(context.Objects, names, cancellationToken));
    }

    private static InputColumns Add(DuckSession session, StageContext context, string input, string view)
    {
        var lease = context.Dataset(input);
        session.AddInput(view, new SegmentTable(lease.Schema, lease.Batches, lease, static row => row), InputColumns.Prefix);
        return new InputColumns(lease.Schema);
    }

    private static string View(int feature) => string.Create(CultureInfo.InvariantCulture, $"f{feature}");

    /// <summary>A time as a whole number since 1970.</summary>
    private static string Instant(InputColumns columns, int time, bool nanoseconds) =>
        nanoseconds ? $"epoch_ns({columns.At(time)}::timestamp_ns)" : $"epoch_us({columns.At(time)}::timestamp)";

    private static int Time(InputColumns columns, string name, string table)
    {
        var column = columns.Find(name, table);
        return columns.TypeOf(column) switch
        {
            // DuckDB's timestamps with a zone have microseconds, and a time that is cut is known too early.
            TimestampType { Unit: TimeUnit.Nanosecond, Timezone: { Length: > 0 } } => throw Mismatch(name, $"{table}'s column '{name}' has nanoseconds and a time zone.",
                "Cast it in a query before, such as to TIMESTAMP_NS or TIMESTAMP."),
            Date32Type or Date64Type or TimestampType => column,
            var type => throw Mismatch(name, $"{table}'s column '{name}' has the type {type.Name}, which is no time.", "Cast it to a timestamp in a query before."),
        };
    }

    private static void RequireDifferent(List<string> names)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        if (names.FirstOrDefault(name => !known.Add(name)) is { } twice)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The joined table would have two columns called '{twice}'.",
                "Give a feature table a prefix, or name the columns to take from it.").With("column", twice);
        }
    }

    private static GristmillException Mismatch(string column, string what, string hint) => new GristmillException(ErrorCodes.TypeMismatch, what, hint).With("column", column);

    private static GristmillException Invalid(string option, string why) =>
        new GristmillException(ErrorCodes.Invalid, $"The option {option} of a point-in-time join is not right: {why}.", "See the options of sql.point-in-time-join.").With("option", option);

    private sealed record Feature(InputColumns Columns, IReadOnlyList<int> Keys, int Time, IReadOnlyList<int> Values, IReadOnlyList<string> Names, TimeSpan? Ttl)
    {
        public static Feature Of(InputColumns columns, FeatureTableOptions options, PointInTimeOptions spine)
        {
            var table = $"Input '{options.Input}'";
            var names = options.Keys is { IsDefaultOrEmpty: false } own ? own : spine.Keys;
            if (names.Length != spine.Keys.Length)
            {
                throw Invalid("keys", string.Create(CultureInfo.InvariantCulture, $"input '{options.Input}' has {names.Length}, and the spine {spine.Keys.Length}"));
            }

            if (options.Ttl < TimeSpan.Zero)
            {
                throw Invalid("ttl", $"{options.Ttl:c} of input '{options.Input}' is negative");
            }

            int[] keys = [.. names.Select(name => columns.Find(name, table))];
            var time = PointInTimeOperation.Time(columns, options.Timestamp ?? spine.Timestamp, table);
            int[] values = options.Columns is { IsDefaultOrEmpty: false } taken
                ? [.. taken.Select(name => columns.Find(name, table))]
                : [.. Enumerable.Range(0, columns.Count).Where(column => column != time && !keys.Contains(column))];
            var prefix = string.IsNullOrEmpty(options.Prefix) ? "" : $"{options.Prefix}__";
            return new Feature(columns, keys, time, values, [.. values.Select(column => prefix + columns.Names[column])], options.Ttl);
        }
    }
}
