using System.Diagnostics;
using Gristmill.Storage.Conformance;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Orleans.Serialization;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Gristmill.Storage.Postgres.Grains;

public sealed class PostgresGrainStorageTests : GrainStorageConformance, IAsyncDisposable
{
    private readonly string _connection;
    private readonly PostgresGrainStorage _storage;
    private readonly PostgresGrainStorage _other;

    public PostgresGrainStorageTests(PostgresFixture fixture)
    {
        _connection = fixture.NewSchema();
        // Another text of the same meaning: the other storage has connections and a writer of its own, as another process has.
        (_storage, _other) = (New(_connection), New(_connection + ";Maximum Pool Size=7"));
    }

    protected override IOrderedGrainStorage Storage => _storage;

    protected override IOrderedGrainStorage OtherStorage => _other;

    public async ValueTask DisposeAsync()
    {
        await _storage.DisposeAsync();
        await _other.DisposeAsync();
    }

    [Fact]
    public async Task Storages_of_different_names_are_kept_apart()
    {
        await using var another = New(_connection, "another");
        var grain = GrainId.Create("t", "k");
        await _storage.WriteStateAsync("s", grain, Kilobyte(1));

        var state = new GrainState<ConformanceState>();
        await another.ReadStateAsync("s", grain, state);

        Assert.False(state.RecordExists);
    }

    [Fact]
    public async Task Many_writers_share_commits_and_each_gets_its_own_outcome()
    {
        const int writers = 200, each = 20;
        var conflicts = 0;
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, writers).Select(async w =>
        {
            var grain = GrainId.Create("t", $"writer-{w}");
            var state = Kilobyte(0);
            for (var i = 0; i < each; i++)
            {
                state.State!.Number = i;
                await _storage.WriteStateAsync("s", grain, state);
                try
                {
                    // In the same batches: a stale one, which is refused and spoils nobody else's.
                    await _storage.WriteStateAsync("s", grain, new GrainState<ConformanceState> { State = new ConformanceState { Number = -1 }, ETag = "1" });
                }
                catch (InconsistentStateException)
                {
                    Interlocked.Increment(ref conflicts);
                }
            }
        }));

        TestContext.Current.TestOutputHelper?.WriteLine($"{2 * writers * each / watch.Elapsed.TotalSeconds:N0} writes of 1 KB a second, {writers} at once, flushed");
        Assert.Equal(writers * each, conflicts);
        for (var w = 0; w < writers; w++)
        {
            var read = new GrainState<ConformanceState>();
            await _other.ReadStateAsync("s", GrainId.Create("t", $"writer-{w}"), read);
            Assert.Equal(each - 1, read.State!.Number);
        }
    }

    [Fact]
    public async Task A_write_that_the_database_refuses_fails_alone()
    {
        // An index entry of this size is impossible.
        var large = GrainId.Create("t", Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(6_000)));
        var writes = Enumerable.Range(0, 20).Select(i => _storage.WriteStateAsync("s", GrainId.Create("t", $"k{i}"), Kilobyte(i))).ToList();

        var error = await Assert.ThrowsAsync<GristmillException>(() => _storage.WriteStateAsync("s", large, Kilobyte(0)));

        await Task.WhenAll(writes);
        Assert.Equal(ErrorCodes.StorageUnavailable, error.Code);
    }

    [Fact]
    public async Task A_key_that_postgres_cannot_hold_has_no_state_and_cannot_be_written()
    {
        const string key = "a\0b";
        var state = new GrainState<ConformanceState>();
        await _storage.ReadStateAsync("s", GrainId.Create("t", key), state);
        Assert.False(state.RecordExists);

        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => _storage.WriteStateAsync("s", GrainId.Create("t", key), Kilobyte(1)))).Code);
    }

    [Fact]
    public async Task Writes_go_on_after_the_server_crashed_and_came_back()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        await using var server = await PostgresServer.StartAsync();
        await using var storage = New(server.ConnectionString);
        var (grain, state) = (GrainId.Create("t", "k"), Kilobyte(0));
        await storage.WriteStateAsync("s", grain, state);

        // One write after the other while it dies: whatever became of an acknowledgement that was lost, none is refused.
        var stop = false;
        var writing = Task.Run(async () =>
        {
            while (!Volatile.Read(ref stop))
            {
                state.State!.Number++;
                await storage.WriteStateAsync("s", grain, state);
            }
        }, TestContext.Current.CancellationToken);
        await server.KillAsync();
        await server.ResumeAsync();
        Volatile.Write(ref stop, true);
        await writing;

        await using var again = New(server.ConnectionString + ";Maximum Pool Size=7");
        var read = new GrainState<ConformanceState>();
        await again.ReadStateAsync("s", grain, read);
        Assert.Equal(state.State!.Number, read.State!.Number);
        Assert.Equal(state.ETag, read.ETag);
    }

    [Fact]
    public async Task A_chain_of_states_goes_on_when_its_connections_are_cut()
    {
        const int length = 400;
        GrainId[] chain = [.. Enumerable.Range(0, length).Select(static i => GrainId.Create("cut", $"{i}"))];
        GrainState<ConformanceState>[] states = [.. chain.Select(static (_, i) => Kilobyte(i))];
        await _storage.WriteStateAsync("s", chain[0], states[0]);
        await using var admin = new NpgsqlConnection(_connection);
        await admin.OpenAsync(TestContext.Current.CancellationToken);
        var cuts = 0L;
        var writing = Task.Run(async () =>
        {
            for (var i = 1; i < length; i++)
            {
                states[i - 1].State!.Text = "ended";
                await _storage.WriteStatesAsync("s", chain[i - 1], states[i - 1], chain[i], states[i]);
            }
        }, TestContext.Current.CancellationToken);
        while (!writing.IsCompleted)
        {
            // Whoever is within a transaction on states.
            await using var cut = new NpgsqlCommand("""
                select count(pg_terminate_backend(a.pid)) from pg_stat_activity a
                where a.application_name='gristmill' and a.pid in (select l.pid from pg_locks l where l.relation='grain_state'::regclass)
                """, admin);
            cuts += (long)(await cut.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
            await Task.WhenAny(writing, Task.Delay(10, TestContext.Current.CancellationToken));
        }

        await writing;
        Assert.True(cuts > 0);
        for (var i = 0; i < length; i++)
        {
            var read = new GrainState<ConformanceState>();
            await _other.ReadStateAsync("s", chain[i], read);
            Assert.Equal((i, i < length - 1, states[i].ETag), (read.State!.Number, read.State.Text == "ended", read.ETag));
        }
    }

    [Fact]
    public async Task A_chain_of_states_that_is_locked_out_for_long_waits_elsewhere()
    {
        var (one, two) = (GrainId.Create("locked", "1"), GrainId.Create("locked", "2"));
        var (first, second) = (Kilobyte(1), Kilobyte(2));
        await _storage.WriteStateAsync("s", one, first);
        await using var admin = new NpgsqlConnection(_connection);
        await admin.OpenAsync(TestContext.Current.CancellationToken);
        var transaction = await admin.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var @lock = new NpgsqlCommand("select 1 from grain_state for update", admin, transaction))
        {
            await @lock.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        first.State!.Number = 3;
        // The call itself comes back before the lock is given up: the thread that made it is not kept.
        var writing = await Task.Factory.StartNew(() => _storage.WriteStatesAsync("s", one, first, two, second), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.False(writing.IsCompleted);
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await writing;

        var read = new GrainState<ConformanceState>();
        await _other.ReadStateAsync("s", one, read);
        Assert.Equal((3, first.ETag), (read.State!.Number, read.ETag));
        await _other.ReadStateAsync("s", two, read);
        Assert.Equal((2, second.ETag), (read.State!.Number, read.ETag));
    }

    [Fact]
    public async Task A_wrong_password_is_told_without_showing_it()
    {
        var wrong = new NpgsqlConnectionStringBuilder(_connection) { Password = "very-secret" };
        await using var storage = New(wrong.ConnectionString);

        var error = await Assert.ThrowsAsync<GristmillException>(() => storage.ReadStateAsync("s", GrainId.Create("t", "k"), new GrainState<ConformanceState>()));

        Assert.Equal(ErrorCodes.StorageUnavailable, error.Code);
        Assert.Contains("refuses this user", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("very-secret", error.ToString(), StringComparison.Ordinal);
    }

    private static PostgresGrainStorage New(string connection, string name = "test") => new(
        name,
        new PostgresGrainStorageOptions
        {
            ConnectionString = connection,
            GrainStorageSerializer = new OrleansGrainStorageSerializer(SerializerServices.GetRequiredService<Serializer>()),
        },
        SerializerServices.GetRequiredService<IActivatorProvider>());

    private static GrainState<ConformanceState> Kilobyte(int number) =>
        new() { State = new ConformanceState { Number = number, Text = new string('x', 1000) } };
}
