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

    // Arrays as arguments, so that the statements are the same for every batch and are planned once.
    private const string Insert = """
        with i as (select * from unnest($1, $2, $3, $4, $5, $6) as i(ord, grain, name, store, payload, next)),
        w as (insert into grain_state(grain, name, store, payload, etag) select grain, name, store, payload, next from i on conflict do nothing returning grain, name, store)
        select i.ord from i join w using (grain, name, store)
        """;
    // Sent behind the updates, whose outcome it sees.
    private const string InsertAfter = """
        with i as (select * from unnest($1, $2, $3, $4, $5, $6, $7, $8) as i(ord, grain, name, store, payload, next, first, tag)),
        w as (insert into grain_state(grain, name, store, payload, etag) select grain, name, store, payload, next from i
            where exists (select 1 from grain_state g where g.grain=i.first and g.name=i.name and g.store=i.store and g.etag=i.tag)
            on conflict do nothing returning grain, name, store)
        select i.ord from i join w using (grain, name, store)
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
    private const string Stored = "select etag from grain_state where grain=$1 and name=$2 and store=$3";

    private readonly PostgresDatabase _database;
    private readonly PostgresOptions _options;
    private readonly Channel<StateWrite> _queue = Channel.CreateUnbounded<StateWrite>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _loop;
    private NpgsqlConnection? _connection;

    public PostgresWriter(PostgresDatabase database, PostgresOptions options)
    {
        _database = database;
        _options = options;
        _loop = Task.Run(LoopAsync);
    }

    public Task<string?> WriteAsync(StateWrite write) => _queue.Writer.TryWrite(write)
        ? write.Done
        : Task.FromException<string?>(new GristmillException(
            ErrorCodes.StorageUnavailable, $"The state database {_database.Name} is closed: the silo is stopping."));

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
        while (late.Count > 0 || await _queue.Reader.WaitToReadAsync())
        {
            batch.Clear();
            var bytes = 0;
            var waiting = late.ToList();
            late.Clear();
            foreach (var write in waiting)
            {
                Add(write, ref bytes);
            }

            while (batch.Count < _options.MaxBatch && bytes < MaxBatchBytes && _queue.Reader.TryRead(out var write))
            {
                Add(write, ref bytes);
            }

            if (batch.Count > 0)
            {
                await CommitAsync([.. batch.Values]);
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
                await SendAsync(batch);
                return;
            }
            catch (Exception e)
            {
                await CloseAsync();
                if (PostgresErrors.IsLost(e) && Stopwatch.GetElapsedTime(start) < _options.RetryTimeout)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(50 << Math.Min(attempt, 5), 1000)));
                    continue;
                }

                if (batch.Length > 1 && !PostgresErrors.IsLost(e))
                {
                    // One of them is refused as such: each gets a transaction and an answer of its own.
                    foreach (var write in batch)
                    {
                        await CommitAsync([write]);
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
        _connection ??= await _database.ConnectAsync();
        await using var command = new NpgsqlBatch(_connection);
        Add(command, Insert, batch, static write => write is { Payload: not null, Held: null, IsGuarded: false });
        Add(command, Update, batch, static write => write is { Payload: not null, Held: not null });
        Add(command, InsertAfter, batch, static write => write is { Payload: not null, Held: null, IsGuarded: true });
        Add(command, Delete, batch, static write => write is { Payload: null, Held: not null });
        var done = new bool[batch.Length];
        if (command.BatchCommands.Count > 0)
        {
            // Without a transaction of its own a batch is one.
            await using var reader = await command.ExecuteReaderAsync();
            do
            {
                while (await reader.ReadAsync())
                {
                    done[reader.GetInt32(0)] = true;
                }
            }
            while (await reader.NextResultAsync());
        }

        for (var i = 0; i < batch.Length; i++)
        {
            if (done[i])
            {
                batch[i].Complete();
            }
            else
            {
                await ExplainAsync(batch[i]);
            }
        }
    }

    /// <summary>What is stored instead; it may be this very write, if its acknowledgement was lost with a connection.</summary>
    private async Task ExplainAsync(StateWrite write)
    {
        await using var command = PostgresDatabase.Command(_connection!, Stored, write.Grain, write.Name, write.Store);
        var stored = (long?)await command.ExecuteScalarAsync();
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
            await broken.DisposeAsync();
        }
    }
}
