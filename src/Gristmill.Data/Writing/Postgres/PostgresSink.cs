using System.Buffers.Binary;
using System.Globalization;
using Gristmill.Data.Execution;
using Gristmill.Data.Sources;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Writing.Postgres;

/// <summary>Flows that end in a table of PostgreSQL: one binary COPY in one transaction.</summary>
internal static class PostgresSink
{
    private static readonly byte[] s_header = [.. "PGCOPY\n"u8, 0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    private const string Staged = "pg_temp.gristmill_rows";

    /// <param name="flow">The flow.</param>
    /// <param name="connection">How the server is reached.</param>
    /// <param name="table">The table's name.</param>
    /// <param name="options">How.</param>
    /// <param name="stage">What the attempt has written; null: there is no stage, and nothing is noted down.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static Task<FlowResult> WriteAsync(DataFlow flow, PostgresConnection connection, string table, PostgresWriteOptions options, StageWrites? stage, CancellationToken cancellationToken)
    {
        var shown = $"the table {(options.Schema is null ? "" : QueryText.Identifier(options.Schema) + ".")}{QueryText.Identifier(table)}";
        PostgresTable.CheckName(table, "table", shown);
        if (options.Schema is not null)
        {
            PostgresTable.CheckName(options.Schema, "schema", shown);
        }

        if (options.Keys.Count > 0 != (options.Mode == PostgresWriteMode.Upsert))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{(options.Keys.Count > 0 ? "There are keys" : "There are no keys")} to write {shown} with the mode {options.Mode}.", "Upsert needs Keys, and nothing else takes any.");
        }

        return FlowRunner.RunAsync(flow, (run, compiler) =>
        {
            using var session = new PostgresSession(connection, shown, run.Token);
            var schema = PostgresTable.Schema(session, options.Schema, table)
                ?? throw new GristmillException(ErrorCodes.Invalid, $"The search path of the database names no schema for {shown}.", "Say the schema in the options.");
            var name = $"{QueryText.Identifier(schema)}.{QueryText.Identifier(table)}";
            if (stage is null)
            {
                return Write(run, session, Open, name, options, null);
            }

            var write = new StageWrite(session.Database, name, options.Name);
            if (!stage.Begin(write))
            {
                throw new GristmillException(ErrorCodes.Conflict, $"Stage '{stage.Stage}' writes {shown} twice in one attempt{(options.Name.Length > 0 ? $" by the name '{options.Name}'" : "")}: executed again, one could not be told from the other.",
                    "Give each of its writes to one table a Name, or make them one flow.").With("table", shown);
            }

            try
            {
                return Write(run, session, Open, name, options, new PostgresLedger(session, schema, stage.Run, stage.Stage, table, options.Name));
            }
            catch
            {
                stage.Failed(write);
                throw;
            }

            Stage Open() => compiler.Stage(flow.Node);
        }, writesSql: false, cancellationToken);
    }

    private static FlowResult Write(FlowRun run, PostgresSession session, Func<Stage> open, string name, PostgresWriteOptions options, PostgresLedger? ledger)
    {
        // A host that is gone without a word gives its locks back within minutes, not hours.
        session.Execute("begin isolation level read committed; set local tcp_keepalives_idle = 60; set local tcp_keepalives_interval = 10");
        if (ledger?.Claim() is { } before)
        {
            run.Progress.Advance(before, 0);
            return new FlowResult(null, run.Progress.Complete()) { WasWritten = true };
        }

        var stage = open();
        var schema = stage.Schema;
        var table = PostgresTable.Open(session, name, schema, options);
        var columns = PostgresTable.ColumnList(schema);
        var target = name;
        if (options.Mode == PostgresWriteMode.Upsert)
        {
            // With the table's own types, and none of its checks: those come with the insert.
            session.Execute($"create temp table gristmill_rows on commit drop as select {columns} from {name} with no data");
            target = Staged;
        }

        session.BeginCopy($"copy {target} ({columns}) from stdin (format binary)");
        var fields = table.Fields(schema);
        var written = 0L;
        using (var buffer = new CopyBuffer(session.Send))
        {
            s_header.CopyTo(buffer.GetSpan(s_header.Length));
            buffer.Advance(s_header.Length);
            run.Drain(stage, block =>
            {
                Copy(block, fields, buffer, session.Shown);
                written += block.Rows;
            });
            Short(buffer, -1);
            buffer.Flush();
        }

        session.EndCopy();
        if (options.Mode == PostgresWriteMode.Upsert)
        {
            var others = schema.FieldsList.Select(static field => field.Name).Except(options.Keys).Select(QueryText.Identifier).ToArray();
            session.Execute($"""
                insert into {name} ({columns}) overriding system value select {columns} from {Staged}
                on conflict ({string.Join(", ", options.Keys.Select(QueryText.Identifier))}) do {(others.Length == 0 ? "nothing" : $"update set {string.Join(", ", others.Select(static column => $"{column} = excluded.{column}"))}")}
                """);
        }

        ledger?.Record(written);
        session.Commit();
        return new FlowResult(null, run.Progress.Complete());
    }

    private static void Copy(Block block, (PostgresField Field, bool TakesNull, string Type)[] fields, CopyBuffer buffer, string shown)
    {
        try
        {
            for (var i = 0; i < fields.Length; i++)
            {
                fields[i].Field.Bind(block.Batch.Column(i).Data);
            }

            for (var row = 0; row < block.Rows; row++)
            {
                Short(buffer, (short)fields.Length);
                for (var i = 0; i < fields.Length; i++)
                {
                    var (field, takesNull, type) = fields[i];
                    if (!field.IsNull(row))
                    {
                        if (!field.Write(row, buffer))
                        {
                            throw Misfit(block, row, i, $"{SchemaChange.Text(block.Batch.Schema.FieldsList[i].DataType)} does not fit {type}", "Nothing is rounded or cut, text has no NUL: correct the value in a query.", shown);
                        }
                    }
                    else if (takesNull)
                    {
                        BinaryPrimitives.WriteInt32BigEndian(buffer.GetSpan(4), -1);
                        buffer.Advance(4);
                    }
                    else
                    {
                        throw Misfit(block, row, i, "the column takes no null", "Give a value with coalesce, or leave such rows out.", shown);
                    }
                }
            }
        }
        finally
        {
            foreach (var (field, _, _) in fields)
            {
                field.Unbind();
            }
        }
    }

    private static void Short(CopyBuffer buffer, short number)
    {
        BinaryPrimitives.WriteInt16BigEndian(buffer.GetSpan(2), number);
        buffer.Advance(2);
    }

    private static GristmillException Misfit(Block block, int row, int column, string what, string hint, string shown)
    {
        var (name, number) = (block.Batch.Schema.FieldsList[column].Name, block.Number(row).ToString(CultureInfo.InvariantCulture));
        return new GristmillException(ErrorCodes.BadValue, $"{char.ToUpperInvariant(shown[0])}{shown[1..]}, column '{name}', row {number}: {what}.", hint).With("table", shown).With("column", name).With("row", number);
    }
}
