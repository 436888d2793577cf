using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using Gristmill.Objects;
using Gristmill.Testing;
using Gristmill.Worker;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Gristmill.Bench.Pipelines;

/// <summary>
/// What no chain of durable stages can be faster than on this machine: one loop, with nothing of Gristmill but the call of a warm
/// worker, that writes a row (1 KB) and waits for the disk before the call, and after it.
/// </summary>
internal static class ChainFloorCase
{
    private const int Stages = 1_000, Rounds = 5;

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("gristmill-floor-").FullName;
        try
        {
            using var objects = ObjectStore.Open(new ObjectStoreOptions { Directory = Path.Combine(folder, "objects") });
            await using var executor = new WorkerStageExecutor(objects, new ContentStore(Path.Combine(folder, "content")), new WorkerPoolOptions { Slots = 1 });
            await executor.WarmUpAsync();
            var cases = new List<BenchCase> { await MeasureAsync("worker calls", executor, null, commits: 0) };
            await using (var sqlite = new SqliteConnection($"Data Source={Path.Combine(folder, "floor.db")}"))
            {
                await sqlite.OpenAsync();
                await ExecuteAsync(sqlite, "pragma journal_mode=wal; pragma synchronous=full");
                cases.AddRange(await MeasureAsync("SQLite", executor, sqlite));
            }

            if (PostgresServer.Missing is null)
            {
                await using var server = await PostgresServer.StartAsync();
                await using var postgres = new NpgsqlConnection(server.ConnectionString);
                await postgres.OpenAsync();
                cases.AddRange(await MeasureAsync("PostgreSQL", executor, postgres));
            }

            return cases;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<IReadOnlyList<BenchCase>> MeasureAsync(string storage, WorkerStageExecutor executor, DbConnection connection)
    {
        var type = connection is NpgsqlConnection ? "bytea" : "blob";
        await ExecuteAsync(connection, $"create table row(id bigint primary key, payload {type})");
        await using var insert = connection.CreateCommand();
        insert.CommandText = "insert into row(id, payload) values(@id, @payload)";
        var (id, payload) = (insert.CreateParameter(), insert.CreateParameter());
        (id.ParameterName, id.Value, payload.ParameterName, payload.Value) = ("@id", 0L, "@payload", new byte[1024]);
        insert.Parameters.AddRange(new[] { id, payload });
        await insert.PrepareAsync();
        return
        [
            await MeasureAsync($"{storage}: a commit before and after a worker call", executor, CommitAsync, commits: 2),
            await MeasureAsync($"{storage}: one commit and a worker call", executor, CommitAsync, commits: 1),
        ];

        async Task CommitAsync()
        {
            id.Value = (long)id.Value + 1;
            await insert.ExecuteNonQueryAsync();
        }
    }

    private static async Task<BenchCase> MeasureAsync(string name, WorkerStageExecutor executor, Func<Task>? commit, int commits)
    {
        var rates = new List<double>();
        for (var round = -1; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var stage = 0; stage < Stages; stage++)
            {
                if (commits > 1)
                {
                    await commit!();
                }

                await executor.ExecuteAsync(
                    new StageRequest { RunId = "bench", Stage = "s", Attempt = 1, Epoch = 1, Operation = StageOperations.NoOp }, null, default);
                if (commits > 0)
                {
                    await commit!();
                }
            }

            if (round >= 0)
            {
                rates.Add(Stages / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        rates.Sort();
        return new(
            $"floor of a chain, {name}",
            rates[Rounds / 2],
            string.Create(CultureInfo.InvariantCulture, $"/s ({rates[0]:0} to {rates[^1]:0})"),
            "-", null, "-", true);
    }

    private static async Task ExecuteAsync(DbConnection connection, string text)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = text;
        await command.ExecuteNonQueryAsync();
    }
}
