using Microsoft.Data.Sqlite;

namespace Gristmill.Storage.Sqlite.Database;

public sealed class SqliteDatabaseTests : IDisposable
{
    private const string Put = "insert into reminder values(@p0, 'n', 1, 2, 3, 4)";
    private const string Count = "select count(*) from reminder";

    private readonly TempDatabase _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task A_failing_write_fails_alone_and_its_neighbours_are_kept()
    {
        using var database = SqliteDatabase.Acquire(Options());
        await database.WriteAsync(s => s.Execute(Put, "taken"));

        var writes = Enumerable.Range(0, 50)
            .Select(i => database.WriteAsync(s => s.Execute(Put, i == 25 ? "taken" : $"g{i}")))
            .ToArray();
        await Assert.ThrowsAsync<SqliteException>(() => writes[25]);
        await Task.WhenAll(writes.Where((_, i) => i != 25));

        Assert.Equal(50, database.Read(s => s.First(Count, static r => r.GetInt64(0))));
    }

    [Fact]
    public async Task A_full_database_is_a_clear_error_and_the_writer_goes_on()
    {
        var options = Options();
        options.MaxBytes = 256 << 10;
        using var database = SqliteDatabase.Acquire(options);
        await database.WriteAsync(s => s.Execute(Put, "small"));

        var error = await Assert.ThrowsAsync<GristmillException>(
            () => database.WriteAsync(s => s.Execute(Put, new string('x', 1 << 20))));

        Assert.Equal(ErrorCodes.StoreFull, error.Code);
        Assert.Contains(_temp.File, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Error.Hint);
        await database.WriteAsync(s => s.Execute(Put, "small too"));
        Assert.Equal(2, database.Read(s => s.First(Count, static r => r.GetInt64(0))));
    }

    [Fact]
    public async Task A_database_locked_by_others_is_a_clear_error_and_the_writer_goes_on()
    {
        var options = Options();
        options.BusyTimeout = TimeSpan.FromMilliseconds(20);
        using var database = SqliteDatabase.Acquire(options);
        using var other = new SqliteConnection($"Data Source={_temp.File};Pooling=False");
        other.Open();
        Run(other, "begin immediate");

        var error = await Assert.ThrowsAsync<GristmillException>(() => database.WriteAsync(s => s.Execute(Put, "a")));
        Run(other, "rollback");

        Assert.Equal(ErrorCodes.StorageBusy, error.Code);
        await database.WriteAsync(s => s.Execute(Put, "a"));
    }

    [Fact]
    public async Task Who_may_wait_writes_by_himself_where_nobody_else_does()
    {
        using var database = SqliteDatabase.Acquire(Options());
        Assert.True(database.WriteHereAsync(s => s.Execute(Put, "a")).IsCompletedSuccessfully);
        await Assert.ThrowsAsync<SqliteException>(() => database.WriteHereAsync(s => s.Execute(Put, "a")));

        var writes = await Task.WhenAll(Enumerable.Range(0, 400).Select(i => Task.Run(() =>
            i % 2 == 0 ? database.WriteHereAsync(s => s.Execute(Put, $"g{i}")) : database.WriteAsync(s => s.Execute(Put, $"g{i}")))));

        Assert.All(writes, changed => Assert.Equal(1, changed));
        Assert.Equal(401, database.Read(s => s.First(Count, static r => r.GetInt64(0))));
    }

    [Fact]
    public async Task He_is_not_kept_where_another_process_holds_the_database()
    {
        using var database = SqliteDatabase.Acquire(Options());
        using var other = new SqliteConnection($"Data Source={_temp.File};Pooling=False");
        other.Open();
        Run(other, "begin immediate");

        // This very thread is the one that lets it go: a wait for that here would end in an error.
        var write = database.WriteHereAsync(s => s.Execute(Put, "a"));
        Assert.False(write.IsCompleted);
        Run(other, "rollback");

        Assert.Equal(1, await write);
    }

    [Fact]
    public void A_file_that_is_no_database_is_a_clear_error()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_temp.File)!);
        File.WriteAllText(_temp.File, new string('?', 5000));

        var error = Assert.Throws<GristmillException>(() => SqliteDatabase.Acquire(Options()));

        Assert.Equal(ErrorCodes.StorageCorrupt, error.Code);
        Assert.Equal(_temp.File, error.Error.Details["file"]);
    }

    [Fact]
    public void A_path_that_cannot_be_opened_is_a_clear_error()
    {
        Directory.CreateDirectory(_temp.File);

        Assert.Equal(ErrorCodes.StorageUnavailable, Assert.Throws<GristmillException>(() => SqliteDatabase.Acquire(Options())).Code);
    }

    [Fact]
    public void A_database_of_a_newer_version_is_left_alone()
    {
        using (SqliteDatabase.Acquire(Options()))
        {
        }

        using (var other = new SqliteConnection($"Data Source={_temp.File};Pooling=False"))
        {
            other.Open();
            Run(other, "pragma user_version=99");
        }

        var error = Assert.Throws<GristmillException>(() => SqliteDatabase.Acquire(Options()));
        Assert.Contains("99", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leases_of_one_file_share_it_and_the_last_one_closes_it()
    {
        var first = SqliteDatabase.Acquire(Options());
        var second = SqliteDatabase.Acquire(Options());
        await first.WriteAsync(s => s.Execute(Put, "a"));
        first.Dispose();
        first.Dispose();
        Assert.Equal(1, second.Read(s => s.First(Count, static r => r.GetInt64(0))));
        second.Dispose();

        Assert.False(File.Exists(_temp.File + "-wal"), "closing checkpoints and removes the log");
        await Assert.ThrowsAsync<GristmillException>(() => second.WriteAsync(s => s.Execute(Put, "b")));
    }

    [Fact]
    public async Task What_was_queued_before_closing_is_committed()
    {
        Task[] writes;
        using (var database = SqliteDatabase.Acquire(Options()))
        {
            writes = [.. Enumerable.Range(0, 500).Select(i => database.WriteAsync(s => s.Execute(Put, $"g{i}")))];
        }

        await Task.WhenAll(writes);
        using var again = SqliteDatabase.Acquire(Options());
        Assert.Equal(500, again.Read(s => s.First(Count, static r => r.GetInt64(0))));
    }

    [Fact]
    public async Task Several_writers_of_one_file_take_turns()
    {
        // A second process is a second connection that knows nothing of the first one's writer.
        using var mine = SqliteDatabase.Acquire(Options());
        using var theirs = new SqliteWriter(_temp.File, Options());
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => i % 2 == 0
            ? mine.WriteAsync(s => s.Execute(Put, $"g{i}"))
            : theirs.WriteAsync(s => s.Execute(Put, $"g{i}"))));

        Assert.Equal(200, mine.Read(s => s.First(Count, static r => r.GetInt64(0))));
    }

    private SqliteDatabaseOptions Options() => new() { Path = _temp.File };

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
