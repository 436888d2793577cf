using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Npgsql;
using NpgsqlTypes;

namespace Gristmill.Storage.Postgres.Database;

/// <summary>
/// The one writer of grain state in this process. It sends whatever has queued up while the last commit was under way as one
/// batch: one round trip and one flush for all, and each gets its own outcome.
/// </summary>
internal sealed class PostgresWriter : IAsyncDisposable
{
    private const int MaxBatchBytes = 8 << 20;

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
    // Whoever finds the writer idle sends, instead of waking another thread for it: that takes less time and does not block.
    private readonly Channel<(StateWrite First, StateWrite? Second)> _queue = Channel.CreateUnbounded<(StateWrite, StateWrite?)>(new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });
    private readonly Task _loop;
    private NpgsqlConnection? _connection;

    public PostgresWriter(PostgresDatabase database, PostgresOptions options)
    {
        _database = database;
        _options = options;
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>Writes a state; completes with null, or the ETag that is stored instead of the one that was expected.</summary>
    /// <param name="write">The change.</param>
    /// <param name="second">One that comes after it and goes in the same batch; its own task tells its outcome.</param>
    public Task<string?> WriteAsync(StateWrite write, StateWrite? second = null)
    {
        if (_queue.Writer.TryWrite((write, second)))
        {
            return write.Done;
        }

        var closed = new GristmillException(ErrorCodes.StorageUnavailable, $"The state database {_database.Name} is closed: the silo is stopping.");
        write.Fail(closed);
        second?.Fail(closed);
        return write.Done;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }
    }

    private async Task LoopAsync()
    {
        // A second change of a state waits for the outcome of the first: a batch has each state once. So does one that follows another's.
        var batch = new Dictionary<(string, string, string), StateWrite>();
        var late = new List<StateWrite>();
        while (late.Count > 0 || await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            var bytes = 0;
            var waiting = late.ToList();
            late.Clear();
            foreach (var write in waiting)
            {
                Add(write, ref bytes);
            }

            while (batch.Count < _options.MaxBatch && bytes < MaxBatchBytes && _queue.Reader.TryRead(out var queued))
            {
                Add(queued.First, ref bytes);
                if (queued.Second is { } second)
                {
                    Add(second, ref bytes);
                }
            }

            if (batch.Count > 0)
            {
                await CommitAsync([.. batch.Values]).ConfigureAwait(false);
            }
        }

        void Add(StateWrite write, ref int bytes)
        {
            if (write.After is { Done: { IsCompleted: true } first } && !(first.IsCompletedSuccessfully && first.Result is null))
            {
                write.Refuse("");
            }
            else if (!(write.IsGuarded && write.Held is not null) && batch.TryAdd(write.Key, write))
            {
                bytes += write.Payload?.Length ?? 0;
            }
            else
            {
                late.Add(write);
            }
        }
    }

    private async Task CommitAsync(StateWrite[] batch)
    {
        var start = Stopwatch.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await SendAsync(batch).ConfigureAwait(false);
                return;
            }
            catch (Exception e)
            {
                await CloseAsync().ConfigureAwait(false);
                if (PostgresErrors.IsLost(e) && Stopwatch.GetElapsedTime(start) < _options.RetryTimeout)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(50 << Math.Min(attempt, 5), 1000))).ConfigureAwait(false);
                    continue;
                }

                if (batch.Length > 1 && !PostgresErrors.IsLost(e))
                {
                    // One of them is refused as such: each gets a transaction and an answer of its own.
                    foreach (var write in batch)
                    {
                        await CommitAsync([write]).ConfigureAwait(false);
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

    private async Task SendAsync(StateWrite[] batch)
    {
        if (_connection is null)
        {
            _connection = await _database.ConnectAsync().ConfigureAwait(false);
            using var plans = PostgresDatabase.Command(_connection, Plans);
            await plans.ExecuteNonQueryAsync().ConfigureAwait(false);
        }

        // Without a transaction of its own a batch is one.
        using var command = new NpgsqlBatch(_connection);
        var done = batch.Length <= Few ? await SendFewAsync(command, batch).ConfigureAwait(false) : await SendManyAsync(command, batch).ConfigureAwait(false);
        for (var i = 0; i < batch.Length; i++)
        {
            if (done[i])
            {
                batch[i].Complete();
            }
            else
            {
                await ExplainAsync(batch[i]).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Sends a statement for each change; returns which of them were made.</summary>
    private static async Task<bool[]> SendFewAsync(NpgsqlBatch command, StateWrite[] batch)
    {
        var statements = Array.ConvertAll(batch, Statement);
        foreach (var statement in statements.OfType<NpgsqlBatchCommand>())
        {
            command.BatchCommands.Add(statement);
        }

        if (command.BatchCommands.Count > 0)
        {
            await command.ExecuteNonQueryAsync().ConfigureAwait(false);
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
    private static async Task<bool[]> SendManyAsync(NpgsqlBatch command, StateWrite[] batch)
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

        await using var reader = await command.ExecuteReaderAsync().ConfigureAwait(false);
        do
        {
            while (await reader.ReadAsync().ConfigureAwait(false))
            {
                done[reader.FieldCount == 1 ? reader.GetInt32(0) : IndexOf(reader.GetString(0), reader.GetString(1), reader.GetString(2))] = true;
            }
        }
        while (await reader.NextResultAsync().ConfigureAwait(false));

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
    private async Task ExplainAsync(StateWrite write)
    {
        using var command = PostgresDatabase.Command(_connection!, Stored, write.Grain, write.Name, write.Store);
        var stored = (long?)await command.ExecuteScalarAsync().ConfigureAwait(false);
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

    private async Task CloseAsync()
    {
        if (_connection is { } broken)
        {
            _connection = null;
            await broken.DisposeAsync().ConfigureAwait(false);
        }
    }
}
