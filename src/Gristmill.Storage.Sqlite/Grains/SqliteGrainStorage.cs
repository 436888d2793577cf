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
    : IOrderedGrainStorage, IDisposable
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
        var row = Row(stateName, grainId, grainState);
        if (await _database.WriteAsync(session => Store(session, row)) is { } stored)
        {
            throw Mismatch("write", stateName, row.Grain, stored, grainState.ETag);
        }

        Stored(grainState, row);
    }

    public async Task WriteStatesAsync<T>(string stateName, GrainId first, IGrainState<T> firstState, GrainId second, IGrainState<T> secondState)
    {
        var (one, two) = (Row(stateName, first, firstState), Row(stateName, second, secondState));
        // An exception undoes the transaction; with a group's, the others' writes are applied again.
        await _database.WriteHereAsync(session =>
            Store(session, one) is { } found ? throw Mismatch("write", stateName, one.Grain, found, firstState.ETag)
            : Store(session, two) is { } other ? throw Mismatch("write", stateName, two.Grain, other, secondState.ETag)
            : true);
        Stored(firstState, one);
        Stored(secondState, two);
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

            var found = StoredTag(session, grain, stateName);
            return held is null && found.Length == 0 ? null : found;
        });
        if (stored is not null)
        {
            throw Mismatch("clear", stateName, grain, stored, grainState.ETag);
        }

        Reset(grainState);
    }

    public void Dispose() => _database.Dispose();

    private StateRow Row<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var grain = grainId.ToString();
        var held = Parse(grainState.ETag, stateName, grain);
        return new StateRow(
            grain,
            stateName,
            Bytes(options.GrainStorageSerializer.Serialize(grainState.State)),
            held,
            held is { } tag ? tag + 1 : Random.Shared.NextInt64(1, long.MaxValue / 2));
    }

    /// <summary>Writes a row; null, or the ETag that is stored instead of the one that must be.</summary>
    private string? Store(SqliteSession session, StateRow row)
    {
        var changed = row.Held is { } expected
            ? session.Execute(Update, row.Grain, row.Name, name, row.Payload, expected)
            : session.Execute(Insert, row.Grain, row.Name, name, row.Payload, row.Next);
        return changed == 1 ? null : StoredTag(session, row.Grain, row.Name);
    }

    private static void Stored<T>(IGrainState<T> grainState, StateRow row)
    {
        grainState.ETag = Text(row.Next);
        grainState.RecordExists = true;
    }

    private string StoredTag(SqliteSession session, string grain, string stateName) =>
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

    private readonly record struct StateRow(string Grain, string Name, byte[] Payload, long? Held, long Next);
}
