using System.Diagnostics;
using System.Threading.Channels;
using Gristmill.Storage.Postgres.Database;
using Npgsql;

namespace Gristmill.Storage.Postgres;

/// <summary>
/// The one writer of tracking in this process: what has come together during the last commit is one transaction of two round trips. Silos never wait for each
/// other in a circle: names are made before and by themselves, then a batch locks its mark, then the rows of its runs in order of their ids, and changes
/// nothing but what belongs to those.
/// </summary>
internal sealed class TrackingWriter : IAsyncDisposable
{
    private const long MaxBatchBytes = 8 << 20;
    private const int MaxNames = 100_000;

    /// <summary>Rows, and blocks of points, that go in one step of a removal.</summary>
    private const long RemovedRows = 1000, RemovedBlocks = 64;

    private const string IdleInTransaction = "25P03";

    // A silo that is stopped within a transaction does not hold up the others for longer.
    private const string Settings = PostgresWriter.Plans + "; set idle_in_transaction_session_timeout=10000";

    // Processes that have not written for a day will not ask any more what became of a batch.
    private const string Forget = """
        delete from writer where id in (
            select id from writer where id<>$1 and seen<cast(extract(epoch from now())*1000 as bigint)-86400000 for update skip locked)
        """;

    private const string Mark = """
        insert into writer(id, batch, seen) values($1, $2, cast(extract(epoch from now())*1000 as bigint))
        on conflict(id) do update set batch=excluded.batch, seen=excluded.seen where writer.batch<excluded.batch
        """;

    // Locks the rows that are there, and changes none.
    private const string Lock = """
        insert into run(id, sequence, pipeline, status, created) select i.id, -1, '', 0, 0 from unnest($1) as i(id)
        on conflict(id) do update set sequence=run.sequence where run.n<0
        """;

    private const string Runs = "select id, n, sequence from run where id=any($1)";

    private const string Own = """
        select r.n, k.text, p.value from unnest($1, $2) as i(id, name)
        join run r on r.id=i.id join param p on p.run=r.n and p.name=i.name and p.own=1 join name k on k.n=p.name
        """;

    private const string MakeNames = "insert into name(text) select i.text from unnest($1) as i(text) on conflict do nothing";

    private const string FindNames = "select text, n from name where text=any($1)";

    private static readonly (string Sql, long Limit)[] s_remove =
    [
        ("delete from points where (series, block) in (select p.series, p.block from series s join points p on p.series=s.n where s.run=$1 limit $2)", RemovedBlocks),
        ("delete from series where n in (select s.n from series s where s.run=$1 and not exists(select 1 from points p where p.series=s.n) limit $2)", RemovedRows),
        ("delete from metric where run=$1 and name in (select name from metric where run=$1 limit $2)", RemovedRows),
        ("delete from param where run=$1 and name in (select name from param where run=$1 limit $2)", RemovedRows),
        ("delete from tag where run=$1 and name in (select name from tag where run=$1 limit $2)", RemovedRows),
        ("delete from artifact where run=$1 and path in (select path from artifact where run=$1 limit $2)", RemovedRows),
    ];

    // Its own row goes with the last of what refers to it.
    private const string RemoveRun = """
        delete from run where n=$1 and not exists(select 1 from series where run=$1) and not exists(select 1 from metric where run=$1)
            and not exists(select 1 from param where run=$1) and not exists(select 1 from tag where run=$1) and not exists(select 1 from artifact where run=$1)
        """;

    private readonly PostgresDatabase _database;
    private readonly PostgresTrackingOptions _options;
    private readonly Channel<TrackWrite> _queue = Channel.CreateUnbounded<TrackWrite>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<string, long> _names = new(StringComparer.Ordinal);
    private readonly Task _loop;
    private NpgsqlConnection? _connection;
    private long _queuedBytes;
    private long _batch;

    public TrackingWriter(PostgresDatabase database, PostgresTrackingOptions options)
    {
        _database = database;
        _options = options;
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>What the database knows this writer by.</summary>
    public long Id { get; } = Random.Shared.NextInt64(1, long.MaxValue);

    /// <summary>Puts something in; completes when it is durable.</summary>
    public Task<bool> WriteAsync(TrackWrite write)
    {
        write.Queued = Stopwatch.GetTimestamp();
        if (Interlocked.Add(ref _queuedBytes, write.Bytes) > _options.MaxQueuedBytes)
        {
            write.Fail(new GristmillException(
                ErrorCodes.StorageBusy, $"More is logged than the state database {_database.Name} takes in: {_options.MaxQueuedBytes} bytes wait already.",
                "Find what keeps it busy, or log less."));
        }
        else if (_queue.Writer.TryWrite(write))
        {
            return write.Done;
        }
        else
        {
            write.Fail(new GristmillException(ErrorCodes.StorageUnavailable, $"The state database {_database.Name} is closed: the silo is stopping."));
        }

        Interlocked.Add(ref _queuedBytes, -write.Bytes);
        return write.Done;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        await CloseAsync().ConfigureAwait(false);
    }

    private async Task LoopAsync()
    {
        TrackWrite? next = null;
        while (next is not null || await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            var (batch, bytes) = (new List<TrackWrite>(), 0L);
            while (batch.Count < _options.MaxBatch && bytes < MaxBatchBytes && (next is not null || _queue.Reader.TryRead(out next)))
            {
                // A removal is a batch of its own: nothing comes before it that was put in later.
                if (next is RemoveWrite && batch.Count > 0)
                {
                    break;
                }

                batch.Add(next);
                bytes += next.Bytes;
                next = null;
                if (batch[^1] is RemoveWrite)
                {
                    break;
                }
            }

            await CommitAsync(batch).ConfigureAwait(false);
            Interlocked.Add(ref _queuedBytes, -bytes);
        }
    }

    private async Task CommitAsync(List<TrackWrite> batch)
    {
        var number = ++_batch;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var result = await SendAsync(batch, number).ConfigureAwait(false);
                batch.ForEach(write => write.Complete(result));
                return;
            }
            catch (Exception e)
            {
                await CloseAsync().ConfigureAwait(false);
                if (MayWork(e) && batch.Any(write => Stopwatch.GetElapsedTime(write.Queued) < _options.RetryTimeout))
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(50 << Math.Min(attempt, 5), 1000))).ConfigureAwait(false);
                    continue;
                }

                if (batch.Count > 1 && !MayWork(e))
                {
                    // One of them is refused as such: each gets a transaction and an answer of its own.
                    foreach (var write in batch)
                    {
                        await CommitAsync([write]).ConfigureAwait(false);
                    }

                    return;
                }

                var error = PostgresErrors.Describe(e, _database.Name);
                batch.ForEach(write => write.Fail(error));
                return;
            }
        }
    }

    /// <summary>Whether the same may work when it is sent again.</summary>
    private static bool MayWork(Exception exception) => exception switch
    {
        GristmillException { InnerException: { } inner } => MayWork(inner),
        PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure or IdleInTransaction } => true,
        _ => PostgresErrors.IsLost(exception),
    };

    private async Task<bool> SendAsync(List<TrackWrite> batch, long number)
    {
        var connection = _connection ??= await ConnectAsync().ConfigureAwait(false);
        return batch is [RemoveWrite remove] ? await RemoveAsync(connection, remove, number).ConfigureAwait(false) : await PutAsync(connection, batch, number).ConfigureAwait(false);
    }

    private async Task<NpgsqlConnection> ConnectAsync()
    {
        // Names of before may be those of another database: one that was restored from a backup, say.
        _names.Clear();
        var connection = await _database.ConnectAsync().ConfigureAwait(false);
        try
        {
            await RunAsync(connection, Settings).ConfigureAwait(false);
            await using var forget = PostgresDatabase.Command(connection, Forget, Id);
            await forget.ExecuteNonQueryAsync().ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<bool> PutAsync(NpgsqlConnection connection, List<TrackWrite> writes, long number)
    {
        if (_names.Count > MaxNames)
        {
            _names.Clear();
        }

        await FindNamesAsync(connection, writes.SelectMany(static write => write.Names), _names).ConfigureAwait(false);
        string[] ids = [.. writes.Select(static write => write.RunId).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        (string Run, string Name)[] logged = [.. writes.OfType<AppendWrite>().SelectMany(static write => write.Batch.Parameters, static (write, pair) => (write.RunId, pair.Key)).Distinct()];

        var begun = Command("begin");
        var mark = Command(Mark, Id, number);
        await using var first = new NpgsqlBatch(connection) { BatchCommands = { begun, mark, Command(Lock, [ids]), Command(Runs, [ids]) } };
        if (logged.Length > 0)
        {
            first.BatchCommands.Add(Command(Own, Array.ConvertAll(logged, static param => param.Run), Array.ConvertAll(logged, param => _names[param.Name])));
        }

        var runs = new Dictionary<string, (long, long)>(StringComparer.Ordinal);
        var own = new Dictionary<(long, string), string>();
        await using (var reader = await first.ExecuteReaderAsync().ConfigureAwait(false))
        {
            while (await reader.ReadAsync().ConfigureAwait(false))
            {
                runs.Add(reader.GetString(0), (reader.GetInt64(1), reader.GetInt64(2)));
            }

            if (await reader.NextResultAsync().ConfigureAwait(false))
            {
                while (await reader.ReadAsync().ConfigureAwait(false))
                {
                    own.Add((reader.GetInt64(0), PostgresText.Decode(reader.GetString(1))), PostgresText.Decode(reader.GetString(2)));
                }
            }
        }

        if (mark.RecordsAffected == 0)
        {
            await RunAsync(connection, "rollback").ConfigureAwait(false);
            return true;
        }

        var names = writes.SelectMany(static write => write.Names).Distinct(StringComparer.Ordinal).ToDictionary(static name => name, name => _names[name], StringComparer.Ordinal);
        var changes = new TrackingBatch(runs, names, own);
        writes.ForEach(changes.Add);
        await FindNamesAsync(connection, changes.Unknown, names).ConfigureAwait(false);
        await using var second = new NpgsqlBatch(connection);
        foreach (var statement in changes.Statements().Append(Command("commit")))
        {
            second.BatchCommands.Add(statement);
        }

        await second.ExecuteNonQueryAsync().ConfigureAwait(false);
        return true;
    }

    private async Task<bool> RemoveAsync(NpgsqlConnection connection, RemoveWrite write, long number)
    {
        var mark = Command(Mark, Id, number);
        var run = 0L;
        await using (var first = new NpgsqlBatch(connection) { BatchCommands = { Command("begin"), mark, Command("select n from run where id=$1 for update", write.RunId) } })
        {
            run = (long?)await first.ExecuteScalarAsync().ConfigureAwait(false) ?? 0;
        }

        if (run == 0 || mark.RecordsAffected == 0)
        {
            // Where a step has been made already nobody knows what was left: there may be more.
            await RunAsync(connection, "rollback").ConfigureAwait(false);
            return run != 0;
        }

        var last = Command(RemoveRun, run);
        await using var second = new NpgsqlBatch(connection) { BatchCommands = { Command("update run set sequence=-1 where n=$1 and sequence>=0", run) } };
        foreach (var (sql, limit) in s_remove)
        {
            second.BatchCommands.Add(Command(sql, run, limit));
        }

        second.BatchCommands.Add(last);
        second.BatchCommands.Add(Command("commit"));
        await second.ExecuteNonQueryAsync().ConfigureAwait(false);
        return last.RecordsAffected == 0;
    }

    /// <summary>Finds the numbers of names, and gives those a number that have none; in the same order everywhere, so that silos that do so at once do not wait in a circle.</summary>
    private static async Task FindNamesAsync(NpgsqlConnection connection, IEnumerable<string> texts, Dictionary<string, long> names)
    {
        var unknown = texts.Where(text => !names.ContainsKey(text)).Distinct(StringComparer.Ordinal).ToLookup(PostgresText.Encode, StringComparer.Ordinal);
        if (unknown.Count == 0)
        {
            return;
        }

        string[] encoded = [.. unknown.Select(static text => text.Key).Order(StringComparer.Ordinal)];
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Command(MakeNames, [encoded]), Command(FindNames, [encoded]) } };
        await using var reader = await batch.ExecuteReaderAsync().ConfigureAwait(false);
        while (await reader.ReadAsync().ConfigureAwait(false))
        {
            foreach (var text in unknown[reader.GetString(0)])
            {
                names[text] = reader.GetInt64(1);
            }
        }
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    private static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<object> arguments)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        }

        return command;
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
