using System.Globalization;
using System.Runtime.InteropServices;
using Gristmill.Storage.Postgres.Database;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Gristmill.Storage.Postgres;

/// <summary>
/// Grain state in PostgreSQL. ETags are random numbers: a state that was cleared and made again never carries one that an old
/// activation holds, and a writer whose connection broke can tell whether its write had arrived.
/// </summary>
internal sealed class PostgresGrainStorage(string name, PostgresGrainStorageOptions options, IActivatorProvider activators)
    : IOrderedGrainStorage, IAsyncDisposable
{
    private const string Select = "select payload, etag from grain_state where grain=$1 and name=$2 and store=$3";

    private readonly PostgresDatabase _database = PostgresDatabase.Acquire(options);
    private int _disposed;

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var grain = grainId.ToString();
        // No such text can have been stored; the address of a request may hold any.
        var rows = IsText(grain)
            ? await _database.ReadAsync(Select, static r => (Payload: r.GetFieldValue<byte[]>(0), Tag: r.GetInt64(1)), grain, stateName, name)
            : [];
        if (rows.Count == 0)
        {
            Reset(grainState);
            return;
        }

        grainState.State = options.GrainStorageSerializer.Deserialize<T>(new BinaryData(rows[0].Payload));
        grainState.ETag = Text(rows[0].Tag);
        grainState.RecordExists = true;
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var write = Write(stateName, grainId, grainState, after: null);
        Stored(grainState, write, await _database.WriteAsync(write));
    }

    public async Task WriteStatesAsync<T>(string stateName, GrainId first, IGrainState<T> firstState, GrainId second, IGrainState<T> secondState)
    {
        var one = Write(stateName, first, firstState, after: null);
        var two = Write(stateName, second, secondState, after: one);
        // Where the first fails nobody asks for the second.
        two.Done.Ignore();
        Stored(firstState, one, await _database.WriteHereAsync(one, two));
        Stored(secondState, two, await two.Done);
    }

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var grain = grainId.ToString();
        var stored = IsText(grain)
            ? await _database.WriteAsync(new StateWrite(grain, stateName, name, null, Parse(grainState.ETag, stateName, grain), 0))
            : null;
        if (stored is not null)
        {
            throw Mismatch("clear", stateName, grain, stored, grainState.ETag);
        }

        Reset(grainState);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _database.DisposeAsync();
        }
    }

    private StateWrite Write<T>(string stateName, GrainId grainId, IGrainState<T> grainState, StateWrite? after)
    {
        var grain = grainId.ToString();
        return IsText(grain)
            ? new StateWrite(
                grain, stateName, name, Bytes(options.GrainStorageSerializer.Serialize(grainState.State)), Parse(grainState.ETag, stateName, grain),
                Random.Shared.NextInt64(1, long.MaxValue), after)
            : throw new GristmillException(ErrorCodes.Invalid, "The key of a grain holds a character that PostgreSQL cannot store.", "Use another name.");
    }

    private static void Stored<T>(IGrainState<T> grainState, StateWrite write, string? instead)
    {
        if (instead is not null)
        {
            throw Mismatch("write", write.Name, write.Grain, instead, grainState.ETag);
        }

        grainState.ETag = Text(write.Next);
        grainState.RecordExists = true;
    }

    private void Reset<T>(IGrainState<T> grainState)
    {
        grainState.State = activators.GetActivator<T>().Create();
        grainState.ETag = null;
        grainState.RecordExists = false;
    }

    /// <summary>PostgreSQL's text has no NUL.</summary>
    private static bool IsText(string key) => !key.Contains('\0', StringComparison.Ordinal);

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
