using System.Globalization;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Writing.Postgres;

/// <summary>
/// Says in the database which stages have written, in the transaction that has their rows: a stage that is executed again, though its rows were committed,
/// finds that out and writes nothing.
/// </summary>
internal sealed class PostgresLedger
{
    /// <summary>Names the lock of whoever makes the table; any number does that nobody else uses.</summary>
    private const long Lock = 0x6772_6973_746D_6C32;
    private const string Where = "where run = $1 and stage = $2 and target = $3 and name = $4";
    private readonly PostgresSession _session;
    private readonly string _table;
    private readonly object[] _key;

    /// <summary>Finds or makes the table; it stays whatever becomes of the rows.</summary>
    /// <param name="session">The connection, in no transaction.</param>
    /// <param name="schema">The schema of the table that is written.</param>
    /// <param name="key">Run, stage, table and the name of the write.</param>
    public PostgresLedger(PostgresSession session, string schema, params object[] key)
    {
        (_session, _table, _key) = (session, $"{QueryText.Identifier(schema)}.gristmill_writes", key);
        if (Exists())
        {
            return;
        }

        session.Execute("begin");
        session.Execute(string.Create(CultureInfo.InvariantCulture, $"select pg_advisory_xact_lock({Lock})"));
        session.Execute($"""
            create table if not exists {_table}(
                run text not null, stage text not null, target text not null, name text not null, rows bigint not null, written_at timestamptz not null default now(),
                primary key(run, stage, target, name))
            """);
        session.Execute("commit");
    }

    /// <summary>Takes the right to write. Where another execution of the stage has it, waits for its end.</summary>
    /// <returns>The rows that another execution has written; null: this one is to write.</returns>
    public long? Claim()
    {
        while (_session.Execute($"insert into {_table}(run, stage, target, name, rows) values ($1, $2, $3, $4, 0) on conflict do nothing", _key) == 0)
        {
            if (_session.Query($"select rows from {_table} {Where}", static row => row.GetInt64(0), _key) is [var rows])
            {
                return rows;
            }
        }

        return null;
    }

    public void Record(long rows) => _session.Execute($"update {_table} set rows = $5 {Where}", [.. _key, rows]);

    private bool Exists() => _session.Query("select to_regclass($1) is not null", static row => row.GetBoolean(0), _table).Single();
}
