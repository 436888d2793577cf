using System.Collections.Immutable;
using Gristmill.Storage.Sqlite.Database;

namespace Gristmill.Storage.Sqlite;

/// <summary>
/// Finds a page of runs. If an index tells that a term of the filter holds for few runs, those are looked at and sorted; otherwise the index of the
/// order is walked until the page is full. Either touches thousands of rows where there are a hundred thousand runs.
/// </summary>
internal sealed class RunSearch
{
    /// <summary>Runs up to which looking at all that a term holds for beats walking the order.</summary>
    private const int Few = 10_000;

    private readonly SqliteSession _session;
    private readonly RunQuery _query;
    private readonly RunOrder _order;
    private readonly RunCondition? _filter;
    private readonly long _now;
    private readonly RunTerm? _driver;

    private RunSearch(SqliteSession session, RunQuery query, RunCondition? filter, RunOrder order, long now)
    {
        (_session, _query, _filter, _order, _now) = (session, query, filter, order, now);
        _driver = Driver();
    }

    /// <summary>The numbers of the runs of a page, and the token of the next.</summary>
    public static (List<long> Runs, string? Next) Run(SqliteSession session, RunQuery query, RunCondition? filter, RunOrder order, PageToken? after, long now)
    {
        var search = new RunSearch(session, query, filter, order, now);
        var found = new List<PageToken>();
        var phases = search.Phases();
        for (var phase = after?.Phase ?? 0; phase < phases && found.Count <= query.Limit; phase++)
        {
            found.AddRange(search.Phase(phase, after is { } token && token.Phase == phase ? token : null, query.Limit + 1 - found.Count));
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

    private List<PageToken> Phase(int phase, PageToken? after, int limit)
    {
        var isValue = _order.Field.Kind != RunFieldKind.Attribute && phase < Phases() - 1;
        var sql = new RunSql(_session, _now, _driver is not null ? "d.run" : isValue ? "o.run" : "r.n");
        var with = "";
        var from = "run r";
        if (_driver is not null)
        {
            with = $"with d(run) as materialized ({sql.Source(_driver)}) ";
            from = "d cross join run r on r.n=d.run";
        }

        var (key, tie, where, descending) = ("r.id", "r.n", "", true);
        if (_order.Field.Kind == RunFieldKind.Attribute)
        {
            var column = sql.Attribute(_order.Field.Name);
            if (_order.Field.Name is "id" or "created")
            {
                descending = _order.Descending;
            }
            else if (phase == 0)
            {
                (key, where, descending) = (column, $" and {column} is not null", _order.Descending);
            }
            else
            {
                where = $" and {column} is null";
            }
        }
        else
        {
            var table = RunSql.Table(_order.Field.Kind);
            var name = sql.Argument(sql.Name(_order.Field.Name) ?? -1L);
            if (!isValue)
            {
                where = $" and not exists(select 1 from {table} o where o.run=r.n and o.name={name} and +o.value is not null)";
            }
            else
            {
                from = _driver is null ? $"{table} o cross join run r on r.n=o.run" : $"d cross join {table} o on o.run=d.run cross join run r on r.n=d.run";
                (key, tie, descending) = (_order.Field.Kind == RunFieldKind.Parameter && phase == 0 ? "o.number" : "o.value", "o.run", _order.Descending);
                where = $" and o.name={name} and +{key} is not null" + (_order.Field.Kind == RunFieldKind.Parameter && phase == 1 ? " and o.number is null" : "");
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

        foreach (var condition in Conjuncts())
        {
            where += ReferenceEquals(condition, _driver) ? "" : " and " + sql.Condition(condition);
        }

        // Where few runs are looked at, each is looked up by itself; otherwise the order's index begins behind the token.
        var plus = _driver is null ? "" : "+";
        var (sign, direction) = descending ? ("<", "desc") : (">", "asc");
        if (after is { } token)
        {
            where += $" and ({plus}{key},{plus}{tie}){sign}({sql.Argument(token.Key)},{sql.Argument(token.Run)})";
        }

        var text = $"{with}select {key}, r.n from {from} where r.sequence>=0{where} order by {key} {direction}, {tie} {direction} limit {sql.Argument((long)limit)}";
        return _session.AllOnce(text, r => new PageToken(phase, r.GetFieldType(0) == typeof(string) ? r.GetString(0) : r.GetDouble(0), r.GetInt64(1)), sql.Arguments);
    }

    private ImmutableArray<RunCondition> Conjuncts() => _filter switch
    {
        null => [],
        // Asked one after the other for each run: values leave out more than ranges do, and cost less than what is put together.
        AllOf all => [.. all.Terms.OrderBy(static term => term is RunTerm { Comparison: RunComparison.Equal or RunComparison.In } ? 0 : term is RunTerm ? 1 : 2)],
        var single => [single],
    };

    /// <summary>The term that holds for the fewest runs, if those are few.</summary>
    private RunTerm? Driver()
    {
        RunTerm? best = null;
        var fewest = Few + 1L;
        foreach (var term in Conjuncts().OfType<RunTerm>())
        {
            var sql = new RunSql(_session, _now);
            if (sql.Source(term) is { } source)
            {
                var count = _session.AllOnce($"select count(*) from ({source} limit {sql.Argument(fewest)})", static r => r.GetInt64(0), sql.Arguments)[0];
                if (count < fewest)
                {
                    (best, fewest) = (term, count);
                }
            }
        }

        return best;
    }
}
