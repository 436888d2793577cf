using System.Globalization;
using System.Runtime.InteropServices;
using Gristmill.Storage.Sqlite.Database;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Gristmill.Storage.Sqlite;

/// <summary>
/// Grain state in SQLite. An ETag starts at a random number and counts up: a state that was cleared and made again never
/// carries an ETag that an old activation still holds, so cleared rows can simply go.
/// </summary>
internal sealed class SqliteGrainStorage(string name, SqliteGrainStorageOptions options, IActivatorProvider activators)
    : IGrainStorage, IDisposable
{
    private const string Select = "select payload, etag from grain_state where grain=@p0 and name=@p1 and store=@p2";
    private const string SelectTag = "select etag from grain_state where grain=@p0 and name=@p1 and store=@p2";
    private const string Insert =
        "insert into grain_state(grain, name, store, payload, etag) values(@p0, @p1, @p2, @p3, @p4) on conflict do nothing";
    private const string Update =
        "update grain_state set payload=@p3, etag=etag+1 where grain=@p0 and name=@p1 and store=@p2 and etag=@p4";
    private const string Delete = "delete from grain_state where grain=@p0 and name=@p1 and store=@p2 and etag=@p3";

    private readonly SqliteDatabaseLease _database = SqliteDatabase.Acquire(options);

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var row = _database.Read(session => session.First(
            Select,
            static r => (Payload: (byte[])r.GetValue(0), Tag: r.GetInt64(1)),
            grainId.ToString(),
            stateName,
            name));
        if (row.Payload is null)
        {
            Reset(grainState);
        }
        else
        {
            grainState.State = options.GrainStorageSerializer.Deserialize<T>(new BinaryData(row.Payload));
            grainState.ETag = Text(row.Tag);
            grainState.RecordExists = true;
        }

        return Task.CompletedTask;
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var payload = Bytes(options.GrainStorageSerializer.Serialize(grainState.State));
        var grain = grainId.ToString();
        var held = Parse(grainState.ETag, stateName, grain);
        var next = held is { } tag ? tag + 1 : Random.Shared.NextInt64(1, long.MaxValue / 2);
        var stored = await _database.WriteAsync(session =>
        {
            var changed = held is { } expected
                ? session.Execute(Update, grain, stateName, name, payload, expected)
                : session.Execute(Insert, grain, stateName, name, payload, next);
            return changed == 1 ? null : Stored(session, grain, stateName);
        });
        if (stored is not null)
        {
            throw Mismatch("write", stateName, grain, stored, grainState.ETag);
        }

        grainState.ETag = Text(next);
        grainState.RecordExists = true;
    }

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var grain = grainId.ToString();
        var held = Parse(grainState.ETag, stateName, grain);
        var stored = await _database.WriteAsync(session =>
        {
            if (held is { } expected && session.Execute(Delete, grain, stateName, name, expected) == 1)
            {
                return null;
            }

            var found = Stored(session, grain, stateName);
            return held is null && found.Length == 0 ? null : found;
        });
        if (stored is not null)
        {
            throw Mismatch("clear", stateName, grain, stored, grainState.ETag);
        }

        Reset(grainState);
    }

    public void Dispose() => _database.Dispose();

    private string Stored(SqliteSession session, string grain, string stateName) =>
        session.First(SelectTag, static r => Text(r.GetInt64(0)), grain, stateName, name) ?? "";

    private void Reset<T>(IGrainState<T> grainState)
    {
        grainState.State = activators.GetActivator<T>().Create();
        grainState.ETag = null;
        grainState.RecordExists = false;
    }

    private static byte[] Bytes(BinaryData data) =>
        MemoryMarshal.TryGetArray(data.ToMemory(), out var segment) && segment is { Offset: 0, Array: { } array } && array.Length == segment.Count
            ? array
            : data.ToArray();

    private static string Text(long tag) => tag.ToString(CultureInfo.InvariantCulture);

    private static long? Parse(string? tag, string stateName, string grain)
    {
        if (string.IsNullOrEmpty(tag))
        {
            return null;
        }

        return long.TryParse(tag, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Mismatch("use", stateName, grain, "", tag);
    }

    private static InconsistentStateException Mismatch(string what, string stateName, string grain, string stored, string? held) =>
        new(
            $"Cannot {what} state '{stateName}' of grain '{grain}': it was changed by another activation.",
            stored.Length == 0 ? "none" : stored,
            held ?? "none");
}
