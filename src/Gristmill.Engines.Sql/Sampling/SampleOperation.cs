using System.Globalization;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Engines.Sql.Querying;
using Gristmill.Engines.Sql.Sessions;
using Gristmill.Engines.Sql.Splitting;

namespace Gristmill.Engines.Sql.Sampling;

/// <summary>"sql.sample".</summary>
internal static class SampleOperation
{
    private const string Data = "data";

    public static StageOutputs Run(StageContext context, SqlEngineOptions engine, CancellationToken cancellationToken)
    {
        var options = context.Options<SampleOptions>();
        Check(options);
        using var lease = context.Dataset(Data);
        RequireFew("the table has", lease.Ref.Rows);
        var columns = new InputColumns(lease.Schema);
        var key = RowKeys.Find(columns, options.Columns);
        using var session = DuckSession.Open(context, engine);
        Func<long, long> copies = static _ => 0;
        session.AddInput(Data, new SegmentTable(lease.Schema, lease.Batches, lease.Share(), row => copies(row)), InputColumns.Prefix);
        session.Seal();

        var classes = key is null ? new RowClasses(lease.Ref.Rows) : new RowClasses(RowKeys.Read(context, session, Data, columns, key, cancellationToken));
        var quotas = Quotas(options, classes, Show);
        string Show(int group) => RowKeys.Show(context, session, columns, key!, $"from {Data} where {columns.Hash(key!)} = {classes.KeyOf(group)}", cancellationToken)!;
        if (options.Replacement)
        {
            var counts = RowQuotas.Draw(classes, options.Seed, quotas, cancellationToken);
            copies = row => counts[row];
        }
        else
        {
            var parts = RowQuotas.Assign(classes, options.Seed, quotas.Select((quota, group) => new[] { quota, classes.Sizes[group] - quota }));
            copies = row => parts[row] == 0 ? 1 : 0;
        }

        var chosen = $"from {Data} where {SegmentTable.LabelColumn} > 0";
        var query = $"select {string.Join(", ", columns.All)}\n" + (options.Replacement ? $"from (select *, unnest(range({SegmentTable.LabelColumn})) {chosen})" : chosen);
        Exception Fail(string error) => QueryErrors.Explain(DuckError.Parse(error), query, context, cancellationToken);
        using var statement = DuckStatement.Prepare(session, query, Fail);
        return StageOutputs.Of(statement.Run(context.Objects, columns.Names, cancellationToken));
    }

    private static void Check(SampleOptions options)
    {
        if (options.Rows is null == options.Fraction is null)
        {
            throw Invalid("rows", $"it and fraction are {(options.Rows is null ? "missing" : "both given")}, and one of them says how many");
        }

        if (options.Rows < 0)
        {
            throw Invalid("rows", "it is negative");
        }

        if (options.Fraction is { } fraction && !(fraction >= 0 && fraction <= (options.Replacement ? double.MaxValue : 1)))
        {
            throw Invalid("fraction", options.Replacement ? "it must be a number from 0 on" : "it must be from 0 to 1, or more with replacement");
        }

        if (options.Allocation == SampleAllocation.Equal && (options.Rows is null || options.Columns is not { IsDefaultOrEmpty: false }))
        {
            throw Invalid("allocation", "equal needs rows and columns");
        }
    }

    /// <summary>Rows to draw from each class.</summary>
    private static long[] Quotas(SampleOptions options, RowClasses classes, Func<int, string> show)
    {
        if (options.Allocation == SampleAllocation.Equal)
        {
            var each = options.Rows!.Value;
            RequireFew("the sample would have", (Int128)each * classes.Sizes.Count);
            for (var group = 0; group < classes.Sizes.Count; group++)
            {
                if (classes.Sizes[group] < each && !options.Replacement)
                {
                    throw TooFew(each, classes.Sizes[group], $"the group {show(group)}");
                }
            }

            return [.. classes.Sizes.Select(_ => each)];
        }

        var share = options.Fraction is { } fraction ? Math.Round(fraction * classes.Rows, MidpointRounding.AwayFromZero) : 0;
        var rows = options.Rows ?? (long)Math.Min(share, long.MaxValue);
        if (rows > classes.Rows && !(options.Replacement && classes.Rows > 0))
        {
            throw TooFew(rows, classes.Rows, "the table");
        }

        RequireFew("the sample would have", rows);
        return RowQuotas.Proportional(rows, classes.Sizes);
    }

    private static GristmillException TooFew(long asked, long rows, string where) =>
        new GristmillException(ErrorCodes.BadValue, string.Create(CultureInfo.InvariantCulture, $"A sample of {asked:N0} rows is asked for, and {where} has {rows:N0}."),
            rows > 0 ? "Ask for fewer rows, or draw with replacement." : "Ask for no rows, or draw from a table that has some.")
        .With("rows", rows.ToString(CultureInfo.InvariantCulture));

    /// <summary>Rows are counted in arrays.</summary>
    private static void RequireFew(string what, Int128 rows)
    {
        if (rows > Array.MaxLength)
        {
            throw new GristmillException(ErrorCodes.TooLarge, string.Create(CultureInfo.InvariantCulture, $"A sample is drawn from, and has, {Array.MaxLength:N0} rows at most, and {what} {rows:N0}."),
                "Draw less, or from a part of the table that a query selects.");
        }
    }

    private static GristmillException Invalid(string option, string why) =>
        new GristmillException(ErrorCodes.Invalid, $"The option {option} of a sample is not right: {why}.", "See the options of sql.sample.").With("option", option);
}
