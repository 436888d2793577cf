using System.Diagnostics;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Gristmill.Storage.Postgres.Database;

/// <summary>
/// The one writer of grain state in this process. A batch is one round trip and one flush for all of its writes.
/// </summary>
/// <remarks>
/// All calls on its connection are synchronous. The answer to an asynchronous one goes through the thread pool, which wakes two threads for it:
/// on a small machine a third of the time that a commit takes.
/// </remarks>
internal sealed class PostgresWriter : GroupCommit<(StateWrite First, StateWrite? Second)>
{
    private const int MaxBatchBytes = 8 << 20;

    /// <summary>How long a caller's thread waits for the server before the writer's own goes on with it; seconds.</summary>
    private const int HereSeconds = 5;

    // So few changes go in a statement each: those cost the server less than half of what the ones for many do.
    private const int Few = 3;
    private const string InsertOne = "insert into grain_state(grain, name, store, payload, etag) values($1, $2, $3, $4, $5) on conflict do nothing";
    private const string InsertOneAfter = """
        insert into grain_state(grain, name, store, payload, etag) select $1, $2, $3, $4, $5
        where exists (select 1 from grain_state where grain=$6 and name=$2 and store=$3 and etag=$7) on conflict do nothing
        """;
    private const string UpdateOne = "update grain_state set payload=$4, etag=$5 where grain=$1 and name=$2 and store=$3 and etag=$6";
    private const string DeleteOne = "delete from grain_state where grain=$1 and name=$2 and store=$3 and etag=$4";

    // Arrays as arguments, so that the statements are the same for every batch and are planned once.
    private const string Insert = """
        insert into grain_state(grain, name, store, payload, etag)
        select i.grain, i.name, i.store, i.payload, i.next from unnest($1, $2, $3, $4, $5, $6) as i(ord, grain, name, store, payload, next)
        on conflict do nothing returning grain, name, store
        """;
    // Sent behind the updates, whose outcome it sees.
    private const string InsertAfter = """
        insert into grain_state(grain, name, store, payload, etag)
        select i.grain, i.name, i.store, i.payload, i.next
        from unnest($1, $2, $3, $4, $5, $6, $7, $8) as i(ord, grain, name, store, payload, next, first, tag)
        join grain_state g on g.grain=i.first and g.name=i.name and g.store=i.store and g.etag=i.tag
        on conflict do nothing returning grain, name, store
        """;
    private const string Update = """
        update grain_state s set payload=i.payload, etag=i.next
        from unnest($1, $2, $3, $4, $5, $6, $7) as i(ord, grain, name, store, payload, next, held)
        where s.grain=i.grain and s.name=i.name and s.store=i.store and s.etag=i.held returning i.ord
        """;
    private const string Delete = """
        delete from grain_state s using unnest($1, $2, $3, $4, $5) as i(ord, grain, name, store, held)
        where s.grain=i.grain and s.name=i.name and s.store=i.store and s.etag=i.held returning i.ord
        """;
    /// <summary>
    /// Each row is found by its key, whatever the planner thinks of a table that nobody has analysed yet: it would read all of it, for
    /// each batch. One plan for all batches, as nothing in it depends on the arguments.
    /// </summary>
    internal const string Plans = "set enable_seqscan=off; set enable_bitmapscan=off; set enable_hashjoin=off; set enable_mergejoin=off; set plan_cache_mode=force_generic_plan; set jit=off";
    private const string Stored = "select etag from grain_state where grain=$1 and name=$2 and store=$3";

    private readonly PostgresDatabase _database;
    private readonly PostgresOptions _options;
    private NpgsqlConnection? _connection;

    public PostgresWriter(PostgresDatabase database, PostgresOptions options)
        : base("gristmill-postgres-writer")
    {
        _database = database;
        _options = options;
        Start();
    }

    /// <summary>Writes a state; completes with null, or the ETag that is stored instead of the one that was expected.</summary>
    /// <param name="write">The change.</param>
    /// <param name="second">One that comes after it and goes in the same batch; its own task tells its outcome.</param>
    public Task<string?> WriteAsync(StateWrite write, StateWrite? second = null)
    {
        if (!TryQueue((write, second)))
        {
            var closed = new GristmillException(ErrorCodes.StorageUnavailable, $"The state database {_database.Name} is closed: the silo is stopping.");
            write.Fail(closed);
            second?.Fail(closed);
        }

        return write.Done;
    }

    /// <summary>Does the same on the calling thread, which waits for the server, where nobody else is writing.</summary>
    public Task<string?> WriteHereAsync(StateWrite write, StateWrite second)
    {
        if (!TryBeginHere())
        {
            return WriteAsync(write, second);
        }

        try
        {
            // The connection is made elsewhere.
            if (_connection is null)
            {
                return WriteAsync(write, second);
            }

            Send([write, second], HereSeconds);
            return write.Done;
        }
        catch (Exception)
        {
            Close();
            return WriteAsync(write, second);
        }
        finally
        {
            EndHere();
        }
    }

    protected override void Commit(List<(StateWrite First, StateWrite? Second)> writes)
    {
        // A second change of a state waits for the outcome of the first: a batch has each state once. So does one that follows another's.
        var batch = new Dictionary<(string, string, string), StateWrite>();
        var (waiting, late) = (new List<StateWrite>(), new List<StateWrite>());
        foreach (var (first, second) in writes)
        {
            waiting.Add(first);
            if (second is not null)
            {
                waiting.Add(second);
            }
        }

        while (waiting.Count > 0)
        {
            var bytes = 0;
            foreach (var write in waiting)
            {
                if (write.After is { Done: { IsCompleted: true } first } && !(first.IsCompletedSuccessfully && first.Result is null))
                {
                    write.Refuse("");
                }
                else if (batch.Count < _options.MaxBatch && bytes < MaxBatchBytes && !(write.IsGuarded && write.Held is not null) && batch.TryAdd(write.Key, write))
                {
                    bytes += write.Payload?.Length ?? 0;
                }
                else
                {
                    late.Add(write);
                }
            }

            if (batch.Count > 0)
            {
                CommitTogether([.. batch.Values]);
            }

            (waiting, late) = (late, waiting);
            late.Clear();
            batch.Clear();
        }
    }

    protected override void Close()
    {
        if (_connection is { } open)
        {
            _connection = null;
            open.Dispose();
        }
    }

    private void CommitTogether(StateWrite[] batch)
    {
        var start = Stopwatch.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                Send(batch);
                return;
            }
            catch (Exception e)
            {
                Close();
                if (PostgresErrors.IsLost(e) && Stopwatch.GetElapsedTime(start) < _options.RetryTimeout)
                {
                    Thread.Sleep(Math.Min(50 << Math.Min(attempt, 5), 1000));
                    continue;
                }

                if (batch.Length > 1 && !PostgresErrors.IsLost(e))
                {
                    // One of them is refused as such: each gets a transaction and an answer of its own.
                    foreach (var write in batch)
                    {
                        CommitTogether([write]);
                    }

                    return;
                }

                var error = PostgresErrors.Describe(e, _database.Name);
                foreach (var write in batch)
                {
                    write.Fail(error);
                }

                return;
            }
        }
    }

    /// <param name="batch">The writes.</param>
    /// <param name="seconds">How long the server may take; null as the connection string says.</param>
    private void Send(StateWrite[] batch, int? seconds = null)
    {
        if (_connection is null)
        {
            _connection = _database.Connect();
            using var plans = PostgresDatabase.Command(_connection, Plans);
            plans.ExecuteNonQuery();
        }

        // Without a transaction of its own a batch is one.
        using var command = new NpgsqlBatch(_connection);
        command.Timeout = seconds ?? command.Timeout;
        var done = batch.Length <= Few ? SendFew(command, batch) : SendMany(command, batch);
        for (var i = 0; i < batch.Length; i++)
        {
            if (done[i])
            {
                batch[i].Complete();
            }
            else
            {
                Explain(batch[i]);
            }
        }
    }

    /// <summary>Sends a statement for each change; returns which of them were made.</summary>
    private static bool[] SendFew(NpgsqlBatch command, StateWrite[] batch)
    {
        var statements = Array.ConvertAll(batch, Statement);
        foreach (var statement in statements.OfType<NpgsqlBatchCommand>())
        {
            command.BatchCommands.Add(statement);
        }

        if (command.BatchCommands.Count > 0)
        {
            command.ExecuteNonQuery();
        }

        return Array.ConvertAll(statements, static statement => statement is { RecordsAffected: 1 });
    }

    /// <summary>The statement of a change; null for the removal of what is not there.</summary>
    private static NpgsqlBatchCommand? Statement(StateWrite write)
    {
        var sql = write switch
        {
            { Payload: null, Held: null } => null,
            { Payload: null } => DeleteOne,
            { Held: not null } => UpdateOne,
            { IsGuarded: true } => InsertOneAfter,
            _ => InsertOne,
        };
        if (sql is null)
        {
            return null;
        }

        var command = new NpgsqlBatchCommand(sql);
        Add(NpgsqlDbType.Text, write.Grain);
        Add(NpgsqlDbType.Text, write.Name);
        Add(NpgsqlDbType.Text, write.Store);
        if (write.Payload is { } payload)
        {
            Add(NpgsqlDbType.Bytea, payload);
            Add(NpgsqlDbType.Bigint, write.Next);
        }

        if (write.Held is { } held)
        {
            Add(NpgsqlDbType.Bigint, held);
        }
        else if (write is { IsGuarded: true, After: { } after })
        {
            Add(NpgsqlDbType.Text, after.Grain);
            Add(NpgsqlDbType.Bigint, after.Next);
        }

        return command;

        void Add<T>(NpgsqlDbType type, T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value, NpgsqlDbType = type });
    }

    /// <summary>Sends one statement for all changes of a kind; returns which of them were made.</summary>
    private static bool[] SendMany(NpgsqlBatch command, StateWrite[] batch)
    {
        Add(command, Insert, batch, static write => write is { Payload: not null, Held: null, IsGuarded: false });
        Add(command, Update, batch, static write => write is { Payload: not null, Held: not null });
        Add(command, InsertAfter, batch, static write => write is { Payload: not null, Held: null, IsGuarded: true });
        Add(command, Delete, batch, static write => write is { Payload: null, Held: not null });
        var (done, at) = (new bool[batch.Length], -1);
        if (command.BatchCommands.Count == 0)
        {
            return done;
        }

        using var reader = command.ExecuteReader();
        do
        {
            while (reader.Read())
            {
                done[reader.FieldCount == 1 ? reader.GetInt32(0) : IndexOf(reader.GetString(0), reader.GetString(1), reader.GetString(2))] = true;
            }
        }
        while (reader.NextResult());

        return done;

        // An insert names the rows that it made; it makes them in the order of the batch.
        int IndexOf(string grain, string name, string store)
        {
            for (var i = 0; i < batch.Length; i++)
            {
                at = (at + 1) % batch.Length;
                if (batch[at] is { Held: null } write && write.Grain == grain && write.Name == name && write.Store == store)
                {
                    return at;
                }
            }

            throw new InvalidOperationException($"Grain '{grain}' is not of this batch.");
        }
    }

    /// <summary>What is stored instead; it may be this very write, if its acknowledgement was lost with a connection.</summary>
    private void Explain(StateWrite write)
    {
        using var command = PostgresDatabase.Command(_connection!, Stored, write.Grain, write.Name, write.Store);
        var stored = (long?)command.ExecuteScalar();
        if (write.Payload is null ? stored is null : stored == write.Next)
        {
            write.Complete();
        }
        else
        {
            write.Refuse(stored?.ToString(CultureInfo.InvariantCulture) ?? "");
        }
    }

    private static void Add(NpgsqlBatch batch, string sql, StateWrite[] writes, Func<StateWrite, bool> wanted)
    {
        var chosen = Enumerable.Range(0, writes.Length).Where(i => wanted(writes[i])).ToArray();
        if (chosen.Length == 0)
        {
            return;
        }

        var command = new NpgsqlBatchCommand(sql);
        Array(NpgsqlDbType.Integer, chosen);
        Array(NpgsqlDbType.Text, [.. chosen.Select(i => writes[i].Grain)]);
        Array(NpgsqlDbType.Text, [.. chosen.Select(i => writes[i].Name)]);
        Array(NpgsqlDbType.Text, [.. chosen.Select(i => writes[i].Store)]);
        if (!ReferenceEquals(sql, Delete))
        {
            Array<byte[]>(NpgsqlDbType.Bytea, [.. chosen.Select(i => writes[i].Payload!)]);
            Array(NpgsqlDbType.Bigint, [.. chosen.Select(i => writes[i].Next)]);
        }

        if (ReferenceEquals(sql, InsertAfter))
        {
            Array(NpgsqlDbType.Text, [.. chosen.Select(i => writes[i].After!.Grain)]);
            Array(NpgsqlDbType.Bigint, [.. chosen.Select(i => writes[i].After!.Next)]);
        }
        else if (!ReferenceEquals(sql, Insert))
        {
            Array(NpgsqlDbType.Bigint, [.. chosen.Select(i => writes[i].Held!.Value)]);
        }

        batch.BatchCommands.Add(command);

        void Array<T>(NpgsqlDbType type, T[] values) => command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type });
    }
}
