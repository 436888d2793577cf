using System.Globalization;
using Gristmill.Storage.Postgres.Database;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Gristmill.Storage.Postgres;

/// <summary>Options of reminders in PostgreSQL.</summary>
public sealed class PostgresReminderOptions : PostgresOptions;

/// <summary>Reminders in PostgreSQL.</summary>
internal sealed class PostgresReminderTable(IOptions<PostgresReminderOptions> options) : IReminderTable, IAsyncDisposable
{
    private const string Columns = "select grain, name, start, period, etag from reminder where ";
    private const string Upsert = """
        insert into reminder(grain, name, hash, start, period, etag) values($1, $2, $3, $4, $5, $6)
        on conflict (grain, name) do update set hash=$3, start=$4, period=$5, etag=$6
        """;

    private readonly PostgresDatabase _database = PostgresDatabase.Acquire(options.Value);
    private int _disposed;

    public async Task<ReminderTableData> ReadRows(GrainId grainId) =>
        new(await _database.ReadAsync(Columns + "grain=$1", Entry, grainId.ToString()));

    /// <summary>Rows with a hash in (begin, end]; where begin is not below end the range wraps around zero.</summary>
    public async Task<ReminderTableData> ReadRows(uint begin, uint end)
    {
        var where = begin < end ? "hash>$1 and hash<=$2" : "(hash>$1 or hash<=$2)";
        return new ReminderTableData(await _database.ReadAsync(Columns + where, Entry, (long)begin, (long)end));
    }

    public async Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
        (await _database.ReadAsync(Columns + "grain=$1 and name=$2", Entry, grainId.ToString(), reminderName)).FirstOrDefault();

    public async Task<string?> UpsertRow(ReminderEntry entry)
    {
        var tag = Random.Shared.NextInt64(1, long.MaxValue);
        await _database.ExecuteAsync(
            Upsert,
            entry.GrainId.ToString(),
            entry.ReminderName,
            (long)entry.GrainId.GetUniformHashCode(),
            entry.StartAt.ToUniversalTime().Ticks,
            entry.Period.Ticks,
            tag);
        return entry.ETag = tag.ToString(CultureInfo.InvariantCulture);
    }

    public async Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) =>
        long.TryParse(eTag, NumberStyles.None, CultureInfo.InvariantCulture, out var tag)
        && await _database.ExecuteAsync("delete from reminder where grain=$1 and name=$2 and etag=$3", grainId.ToString(), reminderName, tag) == 1;

    public Task TestOnlyClearTable() => _database.ExecuteAsync("delete from reminder");

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _database.DisposeAsync();
        }
    }

    private static ReminderEntry Entry(NpgsqlDataReader row) => new()
    {
        GrainId = GrainId.Parse(row.GetString(0), CultureInfo.InvariantCulture),
        ReminderName = row.GetString(1),
        StartAt = new DateTime(row.GetInt64(2), DateTimeKind.Utc),
        Period = new TimeSpan(row.GetInt64(3)),
        ETag = row.GetInt64(4).ToString(CultureInfo.InvariantCulture),
    };
}
