using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Apache.Arrow;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Engines.Sql.Querying;
using Gristmill.Engines.Sql.Sessions;
using Gristmill.Objects;

namespace Gristmill.Engines.Sql.Checking;

/// <summary>"sql.check".</summary>
internal static class CheckOperation
{
    private const string Data = "data";

    public static StageOutputs Run(StageContext context, SqlEngineOptions engine, CancellationToken cancellationToken)
    {
        var options = context.Options<CheckOptions>();
        using var lease = context.Dataset(Data);
        var plan = CheckPlan.Of(options, lease.Schema, options.AsOf ?? DateTimeOffset.UtcNow);
        var counts = Count(plan, lease.Share(), context, engine, cancellationToken);
        var findings = plan.Judge(counts).ToList();
        var metrics = ImmutableDictionary.CreateBuilder<string, double>(StringComparer.Ordinal);
        foreach (var rule in plan.Rules)
        {
            metrics[rule] = findings.Find(finding => finding.Rule == rule)?.Count ?? 0;
        }

        metrics["rows"] = counts[0];
        metrics["failedRules"] = findings.Count;
        return findings.Count > 0 && options.Action == CheckAction.Block
            ? throw Failed(context, findings, counts[0])
            : StageOutputs.Of(lease.Ref)
                .Add("metrics", Artifact.Of(metrics.ToImmutable()))
                .Add("findings", Artifact.Of(ValueRef.Of(JsonSerializer.Serialize(findings.Select(static finding => finding.ToString())))));
    }

    /// <summary>All counts in one pass over the table.</summary>
    private static long[] Count(CheckPlan plan, ObjectLease lease, StageContext context, SqlEngineOptions engine, CancellationToken cancellationToken)
    {
        ObjectRef result;
        using (var session = DuckSession.Open(context, engine))
        {
            session.AddInput(Data, new SegmentTable(lease.Schema, lease.Batches, lease));
            session.Seal();
            Exception Fail(string error) => QueryErrors.Explain(DuckError.Parse(error), plan.Query, context, cancellationToken);
            using var statement = DuckStatement.Prepare(session, plan.Query, Fail);
            ParameterBinder.Bind(statement, plan.Values);
            result = statement.Run(context.Objects, cancellationToken);
        }

        try
        {
            using var row = context.Objects.Get(result);
            var batch = row.Batches.First(static batch => batch.Length > 0);
            return [.. Enumerable.Range(0, batch.ColumnCount).Select(i => ((Int64Array)batch.Column(i)).GetValue(0)!.Value)];
        }
        finally
        {
            context.Objects.Delete(result.Id);
        }
    }

    private static GristmillException Failed(StageContext context, List<Finding> findings, long rows)
    {
        var shown = string.Join("; ", findings.Take(10));
        var more = findings.Count > 10 ? string.Create(CultureInfo.InvariantCulture, $"; and {findings.Count - 10} more") : "";
        var error = new GristmillException(ErrorCodes.CheckFailed,
            string.Create(CultureInfo.InvariantCulture, $"The check '{context.Request.Stage}' of {rows:N0} rows failed: {shown}{more}."),
            "Correct the data, or the rule; with the action 'warn' it would only be told.")
            .With("findings", string.Join('\n', findings)).With("rules", string.Join(',', findings.Select(static finding => finding.Rule)));
        return findings.Find(static finding => finding.Column is not null) is { } first ? error.With("column", first.Column!) : error;
    }
}
