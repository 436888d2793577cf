using System.Collections.Concurrent;
using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;
using Gristmill.Data.Sources;
using Gristmill.Engines.Sql;

namespace Gristmill.Data.Planning;

/// <summary>A query over files that is run a part of the files at a time, each by the worker that goes on with its rows: reading is parallel as everything behind it is.</summary>
internal sealed class PartedSource : WorkSource
{
    /// <summary>Bytes of memory that a reader takes for pages of a Parquet file and what it unpacks them to.</summary>
    public const long SmallestMemory = 24L << 20;

    private readonly FlowRun _run;
    private readonly SqlDatabase _database;
    private readonly Func<int, PartQuery> _query;
    private readonly int _parts;
    private readonly ConcurrentBag<SqlDatabase> _connections = [];
    private readonly Lock _gate = new();
    private int _next;
    private int _done;

    public PartedSource(FlowRun run, SqlDatabase database, int parts, Func<int, PartQuery> query)
    {
        (_run, _database, _parts, _query) = (run, database, parts, query);
        _connections.Add(database);
        using var statement = query(0).Prepare(database);
        Schema = statement.Schema;
    }

    public override Schema Schema { get; }

    public override WorkPart? Next()
    {
        var part = Interlocked.Increment(ref _next) - 1;
        return part < _parts ? new Part(this, part) : null;
    }

    private SqlDatabase Connect()
    {
        if (_connections.TryTake(out var idle))
        {
            return idle;
        }

        lock (_gate)
        {
            return _run.Own(_database.Connect());
        }
    }

    private void Done(SqlDatabase connection)
    {
        _connections.Add(connection);
        _run.Progress.Input(this, (double)Interlocked.Increment(ref _done) / _parts, 0);
    }

    /// <summary>Rows of the parts before one: they are counted anew, as nobody may know yet.</summary>
    private long RowsBefore(int part)
    {
        long rows = 0;
        using var connection = _database.Connect();
        for (var i = 0; i < part; i++)
        {
            using var statement = _query(i).Prepare(connection, static text => $"select count(*) from (\n{text}\n)");
            rows += SqlScalars.Number(statement, CancellationToken.None);
        }

        return rows;
    }

    private sealed class Part : WorkPart
    {
        private readonly PartedSource _source;
        private readonly SqlDatabase _connection;
        private readonly SqlStatement _statement;
        private readonly SqlResult _result;
        private readonly Func<long>? _rowsBefore;
        private long _rows;

        public Part(PartedSource source, int part)
            : base(part)
        {
            _source = source;
            _rowsBefore = part == 0 ? null : () => source.RowsBefore(part);
            _connection = source.Connect();
            _statement = source._query(part).Prepare(_connection);
            try
            {
                _result = _statement.Run(source._run.Token);
            }
            catch
            {
                _statement.Dispose();
                throw;
            }

            if (!SchemasFit(_result.Schema, source.Schema))
            {
                Dispose();
                throw new GristmillException(ErrorCodes.TypeMismatch, "The files give columns of different types.", "Cast them in SQL.");
            }
        }

        public override Block? Take()
        {
            BlockMemory? memory = null;
            try
            {
                if (_result.Read(() => memory = new BlockMemory(_source._run.Memory), BlockSize.Rows, _source._run.Shares.Block) is not { } batch)
                {
                    return null;
                }

                var block = new Block(batch, memory) { FirstRow = _rows, RowsBefore = _rowsBefore };
                _rows += batch.Length;
                return block;
            }
            catch
            {
                memory?.Release();
                throw;
            }
        }

        public override void Dispose()
        {
            _result.Dispose();
            _statement.Dispose();
            _source.Done(_connection);
        }

        private static bool SchemasFit(Schema one, Schema other) => one.FieldsList.Select(Text).SequenceEqual(other.FieldsList.Select(Text));

        private static string Text(Field field) => $"{field.Name} {SchemaChange.Text(field.DataType)}";
    }
}
