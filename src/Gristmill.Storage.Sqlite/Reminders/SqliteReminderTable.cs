using System.Globalization;
using Gristmill.Storage.Sqlite.Database;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Gristmill.Storage.Sqlite;

/// <summary>Reminders in SQLite.</summary>
internal sealed class SqliteReminderTable(IOptions<SqliteReminderOptions> options) : IReminderTable, IDisposable
{
    private const string Columns = "select grain, name, start, period, etag from reminder where ";
    private const string Upsert = """
        insert into reminder(grain, name, hash, start, period, etag) values(@p0, @p1, @p2, @p3, @p4, @p5)
        on conflict do update set hash=@p2, start=@p3, period=@p4, etag=@p5
        """;

    private readonly SqliteDatabaseLease _database = SqliteDatabase.Acquire(options.Value);

    public Task<ReminderTableData> ReadRows(GrainId grainId) =>
        Task.FromResult(new ReminderTableData(_database.Read(s => s.All(Columns + "grain=@p0", Entry, grainId.ToString()))));

    /// <summary>Rows with a hash in (begin, end]; where begin is not below end the range wraps around zero.</summary>
    public Task<ReminderTableData> ReadRows(uint begin, uint end)
    {
        var where = begin < end ? "hash>@p0 and hash<=@p1" : "(hash>@p0 or hash<=@p1)";
        return Task.FromResult(new ReminderTableData(_database.Read(s => s.All(Columns + where, Entry, (long)begin, (long)end))));
    }

    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
        Task.FromResult(_database.Read(s => s.First(Columns + "grain=@p0 and name=@p1", Entry, grainId.ToString(), reminderName)));

    public async Task<string?> UpsertRow(ReminderEntry entry)
    {
        var tag = Random.Shared.NextInt64(1, long.MaxValue);
        await _database.WriteAsync(s => s.Execute(
            Upsert,
            entry.GrainId.ToString(),
            entry.ReminderName,
            (long)entry.GrainId.GetUniformHashCode(),
            entry.StartAt.ToUniversalTime().Ticks,
            entry.Period.Ticks,
            tag));
        return entry.ETag = tag.ToString(CultureInfo.InvariantCulture);
    }

    public async Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) =>
        long.TryParse(eTag, NumberStyles.None, CultureInfo.InvariantCulture, out var tag)
        && await _database.WriteAsync(s => s.Execute(
            "delete from reminder where grain=@p0 and name=@p1 and etag=@p2", grainId.ToString(), reminderName, tag)) == 1;

    public Task TestOnlyClearTable() => _database.WriteAsync(static s => s.Execute("delete from reminder"));

    public void Dispose() => _database.Dispose();

    private static ReminderEntry Entry(SqliteDataReader row) => new()
    {
        GrainId = GrainId.Parse(row.GetString(0), CultureInfo.InvariantCulture),
        ReminderName = row.GetString(1),
        StartAt = new DateTime(row.GetInt64(2), DateTimeKind.Utc),
        Period = new TimeSpan(row.GetInt64(3)),
        ETag = row.GetInt64(4).ToString(CultureInfo.InvariantCulture),
    };
}
