using System.Collections.Immutable;
using System.Data.Common;
using System.Globalization;

namespace Gristmill.Storage;

/// <summary>
/// Finds a page of runs. If an index tells that a term of the filter holds for few runs, those are looked at and sorted; otherwise, or where that
/// promises to be shorter, the index of the order is walked until the page is full. Either touches thousands of rows where there are a hundred
/// thousand runs.
/// </summary>
internal sealed class RunSearch
{
    /// <summary>Runs up to which looking at all that a term holds for beats walking the order.</summary>
    private const int Few = 10_000;

    private readonly ITrackingSession _session;
    private readonly RunQuery _query;
    private readonly RunOrder _order;
    private readonly ImmutableArray<RunCondition> _conjuncts;
    private readonly IReadOnlyDictionary<string, long> _names;
    private readonly long _now;
    private readonly RunTerm? _driver;
    private readonly long _walk;

    private RunSearch(ITrackingSession session, RunQuery query, ImmutableArray<RunCondition> conjuncts, RunOrder order, IReadOnlyDictionary<string, long> names, long now, RunTerm? driver, long walk) =>
        (_session, _query, _conjuncts, _order, _names, _now, _driver, _walk) = (session, query, conjuncts, order, names, now, driver, walk);

    /// <summary>Which runs are looked at.</summary>
    private enum Part
    {
        All,

        /// <summary>Those that the driver holds for.</summary>
        Few,

        /// <summary>As many as are to be walked, from the order's start.</summary>
        Start,
        Ended,
        Running,
    }

    private TrackingDialect Dialect => _session.Dialect;

    /// <summary>The numbers of the runs of a page, and the token of the next.</summary>
    public static async ValueTask<(List<long> Runs, string? Next)> FindAsync(ITrackingSession session, RunQuery query, RunCondition? filter, RunOrder order, PageToken? after, long now)
    {
        now = after?.Now ?? now;
        var names = await NamesAsync(session, filter, order).ConfigureAwait(false);
        var conjuncts = Conjuncts(filter);
        var (driver, walk) = await DriverAsync(session, conjuncts, names, query.Limit + 1, now).ConfigureAwait(false);
        var search = new RunSearch(session, query, conjuncts, order, names, now, driver, walk);
        var found = new List<PageToken>();
        var phases = search.Phases();
        for (var phase = after?.Phase ?? 0; phase < phases && found.Count <= query.Limit; phase++)
        {
            found.AddRange(await search.PhaseAsync(phase, after is { } token && token.Phase == phase ? token : null, query.Limit + 1 - found.Count).ConfigureAwait(false));
        }

        var more = found.Count > query.Limit;
        return ([.. found.Take(query.Limit).Select(static token => token.Run)], more ? found[query.Limit - 1].Write(query) : null);
    }

    // Numbers, then texts, then runs that have none of it.
    private int Phases() => _order.Field switch
    {
        { Kind: RunFieldKind.Attribute, Name: "id" or "created" } => 1,
        { Kind: RunFieldKind.Parameter } => 3,
        _ => 2,
    };

    private async ValueTask<List<PageToken>> PhaseAsync(int phase, PageToken? after, int limit)
    {
        if (_driver is not null)
        {
            // Of other orders there is no index, and of runs without a value none either.
            var isWalked = phase == 0 && _walk > 0 && (_order.Field.Kind != RunFieldKind.Attribute || _order.Field.Name is "id" or "created");
            if (isWalked && await PartAsync(phase, after, limit, Part.Start).ConfigureAwait(false) is var first && first.Count == limit)
            {
                return first;
            }

            return await PartAsync(phase, after, limit, Part.Few).ConfigureAwait(false);
        }

        if (_order.Field is not { Kind: RunFieldKind.Attribute, Name: "duration" })
        {
            return await PartAsync(phase, after, limit, Part.All).ConfigureAwait(false);
        }

        if (phase > 0)
        {
            // Every run has one.
            return [];
        }

        // How long those took that have ended is in an index; those that run still are few.
        var ended = await PartAsync(phase, after, limit, Part.Ended).ConfigureAwait(false);
        var running = await PartAsync(phase, after, limit, Part.Running).ConfigureAwait(false);
        var both = ended.Concat(running).OrderBy(static token => ((double)token.Key, token.Run));
        return [.. (_order.Descending ? both.Reverse() : both).Take(limit)];
    }

    private ValueTask<List<PageToken>> PartAsync(int phase, PageToken? after, int limit, Part part)
    {
        var driver = part == Part.Few ? _driver : null;
        var isValue = _order.Field.Kind != RunFieldKind.Attribute && phase < Phases() - 1;
        var sql = new RunSql(Dialect, _names, _now, driver is not null ? "d.run" : isValue && part != Part.Start ? "o.run" : "r.n");
        var with = "";
        var from = "run r";
        if (driver is not null)
        {
            with = $"with d(run) as materialized ({sql.Source(driver)}) ";
            from = "d " + Dialect.LookUp("run", "r", "r.n=d.run");
        }

        // Ids are unique: what is ordered by them needs no second key.
        var (key, tie, where, descending) = ("r.id", (string?)null, "", true);
        if (_order.Field.Kind == RunFieldKind.Attribute)
        {
            if (_order.Field.Name is "id" or "created")
            {
                descending = _order.Descending;
            }
            else if (_order.Field.Name == "duration")
            {
                // In milliseconds, as the index has them.
                (key, where) = part switch
                {
                    Part.Ended => ("(r.ended-r.created)", " and r.ended is not null"),
                    Part.Running => ($"({sql.Argument(_now)}-r.created)", " and r.ended is null"),
                    _ => ($"(coalesce(r.ended, {sql.Argument(_now)})-r.created)", phase == 0 ? "" : " and false"),
                };
                (tie, descending) = ("r.n", _order.Descending);
            }
            else
            {
                var column = sql.Attribute(_order.Field.Name);
                if (phase == 0)
                {
                    (key, tie, where, descending) = (column, "r.n", $" and {column} is not null", _order.Descending);
                }
                else
                {
                    where = $" and {column} is null";
                }
            }
        }
        else
        {
            var table = RunSql.Table(_order.Field.Kind);
            var name = sql.Name(_order.Field.Name);
            if (!isValue)
            {
                where = $" and (select 1 from {table} o where o.run=r.n and o.name={name} and {Dialect.Unindexed("o.value")} is not null) is null";
            }
            else
            {
                from = driver is null
                    ? $"{table} o {Dialect.LookUp("run", "r", "r.n=o.run")}"
                    : $"d {Dialect.LookUp(table, "o", $"o.run=d.run and o.name={name}")} {Dialect.LookUp("run", "r", "r.n=d.run")}";
                var isNumber = _order.Field.Kind == RunFieldKind.Metric || (_order.Field.Kind == RunFieldKind.Parameter && phase == 0);
                key = _order.Field.Kind == RunFieldKind.Metric ? "o.value" : isNumber ? "o.number" : Dialect.TextKey("o");
                (tie, descending) = ("o.run", _order.Descending);
                where = $" and o.name={name} and {Dialect.Unindexed(key)} is not null" + (_order.Field.Kind == RunFieldKind.Parameter && !isNumber ? " and o.number is null" : "");
            }
        }

        if (_query.Pipeline is not null)
        {
            where += $" and r.pipeline={sql.Argument(_query.Pipeline)}";
        }

        if (_query.Before is not null)
        {
            where += $" and r.id<{sql.Argument(_query.Before)}";
        }

        var (sign, direction) = descending ? ("<", "desc") : (">", "asc");
        if (after is { } token)
        {
            // Where few runs are looked at, each is looked up by itself; otherwise the order's index begins behind the token.
            var (first, second) = driver is null ? (key, tie) : (Dialect.Unindexed(key), tie is null ? null : Dialect.Unindexed(tie));
            // A whole number where the key is: of another type it is not looked for in the index.
            var value = sql.Argument(_order.Field is { Kind: RunFieldKind.Attribute, Name: "duration" } && token.Key is double length ? (long)length : token.Key);
            where += second is null ? $" and {first}{sign}{value}" : $" and ({first},{second}){sign}({value},{sql.Argument(token.Run)})";
        }

        if (part == Part.Start)
        {
            // What is walked is counted before the filter leaves out most of it.
            var walked = tie is null ? $"{key} {direction}" : $"{key} {direction}, {tie} {direction}";
            from = $"(select {key} as place, r.* from {from} where r.sequence>=0{where} order by {walked} limit {sql.Argument(_walk)}) r";
            (key, tie, where) = ("r.place", tie is null ? null : "r.n", "");
        }

        foreach (var condition in _conjuncts)
        {
            where += ReferenceEquals(condition, driver) ? "" : " and " + sql.Condition(condition);
        }

        var by = tie is null ? $"{key} {direction}" : $"{key} {direction}, {tie} {direction}";
        var text = $"{with}select {key}, r.n from {from} where r.sequence>=0{where} order by {by} limit {sql.Argument((long)limit)}";
        return _session.AllAsync(text, r => new PageToken(phase, Key(r), r.GetInt64(1), _now), sql.Arguments);
    }

    private object Key(DbDataReader row) => row.GetValue(0) is var key && key is string ? Dialect.Text(row, 0) : Convert.ToDouble(key, CultureInfo.InvariantCulture);

    private static ImmutableArray<RunCondition> Conjuncts(RunCondition? filter) => filter switch
    {
        null => [],
        // Asked one after the other for each run: values leave out more than ranges do, and cost less than what is put together.
        AllOf all => [.. all.Terms.OrderBy(static term => term is RunTerm { Comparison: RunComparison.Equal or RunComparison.In } ? 0 : term is RunTerm ? 1 : 2)],
        var single => [single],
    };

    /// <summary>The term that holds for the fewest runs, if those are few; and how many of the order's runs to look at before those, 0 where that promises nothing.</summary>
    private static async ValueTask<(RunTerm? Driver, long Walk)> DriverAsync(ITrackingSession session, ImmutableArray<RunCondition> conjuncts, IReadOnlyDictionary<string, long> names, int wanted, long now)
    {
        var sql = new RunSql(session.Dialect, names, now);
        var limit = sql.Argument(Few + 1L);
        var terms = (from term in conjuncts.OfType<RunTerm>()
                     let source = sql.Source(term)
                     where source is not null
                     select (Term: term, Count: $"(select count(*) from ({source} limit {limit}) c)")).ToList();
        if (terms.Count == 0)
        {
            return default;
        }

        // The newest run's number stands for how many there are: none is given twice.
        var counts = (await session.AllAsync($"select {string.Join(", ", terms.Select(static term => term.Count))}, (select coalesce(max(n), 0) from run)",
            r => terms.Select((_, i) => r.GetInt64(i)).Append(r.GetInt64(terms.Count)).ToList(), sql.Arguments).ConfigureAwait(false))[0];
        var runs = counts[^1];
        counts.RemoveAt(counts.Count - 1);
        var best = counts.IndexOf(counts.Min());
        if (counts[best] > Few)
        {
            return default;
        }

        // Runs to walk for a page, if what the terms say has nothing to do with the order or with one another; of a term that was not counted out, half.
        var walk = 2.0 * wanted;
        foreach (var condition in conjuncts)
        {
            var i = terms.FindIndex(term => ReferenceEquals(term.Term, condition));
            walk *= i >= 0 && counts[i] <= Few ? (double)runs / Math.Max(1, counts[i]) : 2;
        }

        return (terms[best].Term, walk <= counts[best] ? (long)Math.Ceiling(walk) : 0);
    }

    private static async ValueTask<IReadOnlyDictionary<string, long>> NamesAsync(ITrackingSession session, RunCondition? filter, RunOrder order)
    {
        string[] texts = [.. Fields(filter).Append(order.Field).Where(static field => field.Kind != RunFieldKind.Attribute).Select(static field => field.Name).Distinct(StringComparer.Ordinal)];
        if (texts.Length == 0)
        {
            return ImmutableDictionary<string, long>.Empty;
        }

        var places = string.Join(", ", texts.Select((_, i) => session.Dialect.Placeholder(i)));
        var rows = await session.AllAsync($"select text, n from name where text in ({places})", r => (Text: session.Dialect.Text(r, 0), Number: r.GetInt64(1)), texts).ConfigureAwait(false);
        return rows.ToDictionary(static row => row.Text, static row => row.Number, StringComparer.Ordinal);
    }

    private static IEnumerable<RunField> Fields(RunCondition? condition) => condition switch
    {
        AllOf all => all.Terms.SelectMany(Fields),
        AnyOf any => any.Terms.SelectMany(Fields),
        NotTrue not => Fields(not.Term),
        RunTerm term => [term.Field],
        _ => [],
    };
}
