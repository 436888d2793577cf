using System.Collections.Immutable;
using System.Globalization;
using Apache.Arrow.Types;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Engines.Sql.Querying;
using Gristmill.Engines.Sql.Sessions;
using Gristmill.Engines.Sql.Splitting;

namespace Gristmill.Engines.Sql.Joining;

/// <summary>"sql.join".</summary>
internal static class JoinOperation
{
    public static StageOutputs Run(StageContext context, SqlEngineOptions engine, CancellationToken cancellationToken)
    {
        var options = context.Options<JoinOptions>();
        using var session = DuckSession.Open(context, engine);
        var left = Side.Add(session, context, "left", options.Keys, "keys");
        var right = Side.Add(session, context, "right", options.RightKeys is { IsDefaultOrEmpty: false } own ? own : options.Keys, "rightKeys");
        session.Seal();
        if (left.Keys.Length != right.Keys.Length)
        {
            throw Invalid("rightKeys", string.Create(CultureInfo.InvariantCulture, $"it names {right.Keys.Length}, and keys {left.Keys.Length}"));
        }

        for (var i = 0; i < left.Keys.Length; i++)
        {
            JoinKeys.RequireEqual(left.Columns, left.Keys[i], "The left table", right.Columns, right.Keys[i], "the right table");
        }

        var (selected, names) = Columns(options, left, right);
        Validate(options, left, right, side => RowKeys.Show(context, session, side.Columns, side.Keys, side.Twice, cancellationToken));

        var equal = string.Join(" and ", left.Keys.Zip(right.Keys, (key, other) => $"{left.At(key)} = {right.At(other)}"));
        string[] order = options.How switch
        {
            JoinKind.Semi or JoinKind.Anti => [left.Row],
            JoinKind.Right => [right.Row, left.Row],
            _ => [left.Row, right.Row],
        };
        var query = $"select {string.Join(", ", selected)}\nfrom {left.View} {options.How} join {right.View} on {equal}\norder by {string.Join(", ", order.Select(static row => $"{row} nulls last"))}";
        Exception Fail(string error) => QueryErrors.Explain(DuckError.Parse(error), query, context, cancellationToken);
        using var statement = DuckStatement.Prepare(session, query, Fail);
        return StageOutputs.Of(statement.Run(context.Objects, names, cancellationToken));
    }

    /// <summary>What to select, and what the result calls it.</summary>
    private static (List<string> Selected, List<string> Names) Columns(JoinOptions options, Side left, Side right)
    {
        var selected = new List<string>();
        for (var column = 0; column < left.Columns.Count; column++)
        {
            var key = Array.IndexOf(left.Keys, column);
            selected.Add(options.How switch
            {
                JoinKind.Right when key >= 0 => right.At(right.Keys[key]),
                JoinKind.Full when key >= 0 => $"coalesce({left.At(column)}, {right.At(right.Keys[key])})",
                _ => left.At(column),
            });
        }

        var names = left.Columns.Names.ToList();
        if (options.How is JoinKind.Semi or JoinKind.Anti)
        {
            return (selected, names);
        }

        var known = names.ToHashSet(StringComparer.Ordinal);
        foreach (var column in Enumerable.Range(0, right.Columns.Count).Except(right.Keys))
        {
            var name = right.Columns.Names[column];
            name = left.Columns.Names.Contains(name, StringComparer.Ordinal) ? name + options.Suffix : name;
            if (!known.Add(name))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The joined table would have two columns called '{name}'.", "Give another suffix, or select the columns in a query before.")
                    .With("column", name);
            }

            selected.Add(right.At(column));
            names.Add(name);
        }

        return (selected, names);
    }

    private static void Validate(JoinOptions options, Side left, Side right, Func<Side, string?> duplicate)
    {
        Side[] once = options.Validate switch
        {
            JoinCardinality.ManyToMany => [],
            JoinCardinality.ManyToOne => [right],
            JoinCardinality.OneToMany => [left],
            _ => [left, right],
        };
        foreach (var side in once)
        {
            if (duplicate(side) is { } key)
            {
                throw new GristmillException(ErrorCodes.BadValue, $"The {side.Input} table has the key {key} more than once, and the join is {Words(options.Validate)}.",
                    "Leave one row of each key in a query before, or validate less.").With("table", side.Input).With("key", key);
            }
        }
    }

    private static string Words(JoinCardinality cardinality) => cardinality switch
    {
        JoinCardinality.ManyToOne => "many to one",
        JoinCardinality.OneToMany => "one to many",
        _ => "one to one",
    };

    private static GristmillException Invalid(string option, string why) =>
        new GristmillException(ErrorCodes.Invalid, $"The option {option} of a join is not right: {why}.", "See the options of sql.join.").With("option", option);

    /// <summary>A table that is joined, and the positions of its keys.</summary>
    private sealed record Side(string Input, InputColumns Columns, int[] Keys)
    {
        /// <summary>What a query calls it: LEFT and RIGHT are words of SQL.</summary>
        public string View => ViewOf(Input);

        /// <summary>The number of a row.</summary>
        public string Row => $"{View}.{SegmentTable.LabelColumn}";

        /// <summary>The rest of a query for the first key that is there more than once.</summary>
        public string Twice
        {
            get
            {
                var keys = Keys.Select(Columns.At).ToList();
                return $"from {View} where {string.Join(" and ", keys.Select(static key => $"{key} is not null"))}\n" +
                    $"group by {string.Join(", ", keys)} having count(*) > 1 order by min({SegmentTable.LabelColumn})";
            }
        }

        private static string ViewOf(string input) => $"{input}_rows";

        public string At(int column) => $"{View}.{Columns.At(column)}";

        public static Side Add(DuckSession session, StageContext context, string input, ImmutableArray<string> names, string option)
        {
            if (names.IsDefaultOrEmpty)
            {
                throw Invalid(option, "it names none");
            }

            if (names.GroupBy(static name => name, StringComparer.Ordinal).FirstOrDefault(static group => group.Count() > 1) is { } twice)
            {
                throw Invalid(option, $"it names '{twice.Key}' twice");
            }

            var lease = context.Dataset(input);
            session.AddInput(ViewOf(input), new SegmentTable(lease.Schema, lease.Batches, lease, static row => row), InputColumns.Prefix);
            var columns = new InputColumns(lease.Schema);
            int[] keys = [.. names.Select(name => columns.Find(name, $"The {input} table"))];
            var nested = Array.FindIndex(keys, key => columns.TypeOf(key) is NestedType);
            return nested < 0 ? new Side(input, columns, keys) : throw new GristmillException(ErrorCodes.TypeMismatch,
                $"The {input} table's key '{names[nested]}' is a {columns.TypeOf(keys[nested]).Name}, which is no key.", "Take its parts out in a query before.").With("column", names[nested]);
        }
    }
}
