using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>Logs and checkpoints of stages. The silos of a cluster may share the folder: each takes up what another has left.</summary>
/// <param name="root">The folder.</param>
/// <param name="options">How much is kept.</param>
public sealed class StageFiles(string root, StageFilesOptions? options = null) : IStageFiles
{
    private const string HeadFile = "head";
    private const string TailFile = "tail";
    private const string ManifestFile = "log.json";
    private const int RemovedLive = 20;

    private readonly StageFilesOptions _options = options ?? new StageFilesOptions();
    private readonly ConcurrentDictionary<string, AttemptLog> _live = new(StringComparer.Ordinal);
    private readonly ContentStore _kept = new(Path.Combine(root, "logs"));

    /// <summary>The folder of checkpoints, which executors' attempts share.</summary>
    public string Checkpoints { get; } = Path.Combine(root, "checkpoints");

    /// <inheritdoc/>
    public bool AreShared => _options.Place is null;

    /// <inheritdoc/>
    public LogPage? ReadLog(StageOrigin stage, int attempt, StageLogRef? kept, long offset, int limit)
    {
        var buffer = new byte[Math.Clamp(limit, 4, 1 << 20)];
        if (_live.TryGetValue(Key(stage, attempt), out var live))
        {
            var (read, from) = live.Read(Math.Max(0, offset), buffer);
            return Page(attempt, offset, from, buffer.AsSpan(0, read), live.Bytes, ended: false);
        }

        if (kept is null)
        {
            return ReadLive(stage, attempt, Math.Max(0, offset), buffer);
        }

        if (!_kept.Contains(kept.Digest))
        {
            throw kept.Place is { } place && place != _options.Place
                ? new GristmillException(ErrorCodes.NotFound, $"What attempt {attempt} of stage '{stage.Stage}' printed lies in {place}, which this silo does not share.",
                    "Ask the silo whose data folder that is, and give all silos one Gristmill:ContentDirectory: then each reads what any of them keeps.").With("place", place)
                : new GristmillException(ErrorCodes.NotFound, $"What attempt {attempt} of stage '{stage.Stage}' printed is kept no more.",
                    "Logs go after Gristmill:LogRetention; raise it to keep them longer.");
        }

        var folder = _kept.GetPath(kept.Digest);
        var manifest = JsonSerializer.Deserialize<Manifest>(File.ReadAllBytes(Path.Combine(folder, ManifestFile)))!;
        var start = Math.Max(0, offset);
        start = start >= manifest.Head ? Math.Max(start, manifest.Bytes - manifest.Tail) : start;
        var count = start < manifest.Head
            ? ReadFile(Path.Combine(folder, HeadFile), start, buffer)
            : start < manifest.Bytes ? ReadFile(Path.Combine(folder, TailFile), start - (manifest.Bytes - manifest.Tail), buffer) : 0;
        return Page(attempt, offset, start, buffer.AsSpan(0, count), manifest.Bytes, ended: true);
    }

    /// <inheritdoc/>
    public StageLogRef? KeepLog(StageOrigin stage, int attempt)
    {
        var key = Key(stage, attempt);
        var path = LivePath(key);
        var tail = _live.TryGetValue(key, out var live) ? live.Close() : [];
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            var head = new FileInfo(path).Length;
            var bytes = live?.Bytes ?? head;
            var staged = _kept.Stage();
            File.Move(path, Path.Combine(staged, HeadFile));
            if (tail.Length > 0)
            {
                File.WriteAllBytes(Path.Combine(staged, TailFile), tail);
            }

            File.WriteAllBytes(Path.Combine(staged, ManifestFile), JsonSerializer.SerializeToUtf8Bytes(new Manifest(stage.Run, stage.Stage, attempt, bytes, head, tail.Length)));
            return new StageLogRef(attempt, _kept.Commit(staged).Digest, bytes, bytes - head - tail.Length) { Place = _options.Place };
        }
        finally
        {
            _live.TryRemove(key, out _);
        }
    }

    /// <inheritdoc/>
    public void RemoveCheckpoints(StageOrigin stage) => StageCheckpoint.Remove(Checkpoints, stage);

    /// <inheritdoc/>
    public void Remove(StageOrigin stage, int attempts, IReadOnlyList<StageLogRef> logs)
    {
        ArgumentNullException.ThrowIfNull(logs);
        foreach (var log in logs)
        {
            // Its manifest names run, stage and attempt: no other log has this digest.
            _kept.Delete(log.Digest);
        }

        // Of attempts whose end nobody has seen; of older ones than these the sweep finds what is left.
        for (var attempt = attempts; attempt > Math.Max(0, attempts - RemovedLive); attempt--)
        {
            var key = Key(stage, attempt);
            if (!_live.ContainsKey(key) && LivePath(key) is var path && File.Exists(path))
            {
                File.Delete(path);
            }
        }

        RemoveCheckpoints(stage);
    }

    /// <summary>Removes what is older than its retention: logs, checkpoints that nobody goes on from, and what dead silos left.</summary>
    /// <returns>How many logs and checkpoints were removed.</returns>
    public int Sweep(DateTimeOffset now)
    {
        var limit = (now - _options.Retention).UtcDateTime;
        _kept.Sweep(TimeSpan.FromHours(1));
        var removed = 0;
        foreach (var log in Folders(_kept.Root).Where(log => log.Name.Length == 64 && log.LastWriteTimeUtc < limit))
        {
            removed += _kept.Delete(log.Name) ? 1 : 0;
        }

        foreach (var checkpoint in Folders(Checkpoints).Where(folder => folder.LastWriteTimeUtc < limit))
        {
            removed += Delete(checkpoint) ? 1 : 0;
        }

        var live = new DirectoryInfo(Path.Combine(root, "live"));
        foreach (var file in live.Exists ? live.EnumerateFiles().Where(file => file.LastWriteTimeUtc < limit && !_live.ContainsKey(file.Name)).ToList() : [])
        {
            file.Delete();
        }

        return removed;
    }

    /// <summary>The log of an attempt that starts; <see cref="KeepLog"/> ends it.</summary>
    internal AttemptLog Open(StageRequest request)
    {
        var key = Key(new StageOrigin(request.RunId, request.Stage), request.Attempt);
        return _live[key] = new AttemptLog(LivePath(key), _options.HeadBytes, _options.TailBytes)
        {
            Redactor = request.Secrets.IsEmpty ? null : SecretRedactor.Of(request.Secrets.Values),
        };
    }

    /// <summary>What another silo's attempt has printed so far: the beginning, which is in the file; the end lies in that silo's memory until the attempt ends.</summary>
    private LogPage? ReadLive(StageOrigin stage, int attempt, long offset, byte[] buffer)
    {
        try
        {
            using var file = File.OpenHandle(LivePath(Key(stage, attempt)), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = RandomAccess.GetLength(file);
            var from = Math.Min(offset, bytes);
            return Page(attempt, offset, from, buffer.AsSpan(0, RandomAccess.Read(file, buffer, from)), bytes, ended: false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static bool Delete(DirectoryInfo folder)
    {
        try
        {
            folder.Delete(recursive: true);
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            // Another silo was first, or its stage was committed.
            return false;
        }
    }

    private static List<DirectoryInfo> Folders(string path) => Directory.Exists(path) ? [.. new DirectoryInfo(path).EnumerateDirectories()] : [];

    private static LogPage Page(int attempt, long asked, long from, Span<byte> text, long bytes, bool ended)
    {
        // Not in the middle of a character, unless that is all there is.
        var end = text.Length;
        if (from + end < bytes || !ended)
        {
            var back = end;
            while (back > 0 && end - back < 4 && (text[back - 1] & 0xC0) == 0x80)
            {
                back--;
            }

            if (back > 0 && text[back - 1] >= 0xC0 && end - back + 1 < Length(text[back - 1]))
            {
                end = back - 1 > 0 ? back - 1 : end;
            }
        }

        var next = from + end;
        return new LogPage
        {
            Attempt = attempt,
            Offset = from,
            Next = next,
            Bytes = bytes,
            Dropped = Math.Max(0, from - Math.Max(0, Math.Min(asked, bytes))),
            Text = Encoding.UTF8.GetString(text[..end]),
            Ended = ended && next >= bytes,
        };

        static int Length(byte first) => first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    }

    private static int ReadFile(string path, long at, Span<byte> into)
    {
        using var file = File.OpenHandle(path);
        return RandomAccess.Read(file, into, at);
    }

    /// <summary>A file name of any run's and stage's names.</summary>
    private static string Key(StageOrigin stage, int attempt) =>
        PipelineVersion.Digest(string.Create(CultureInfo.InvariantCulture, $"{stage.Run}/{stage.Stage}/{attempt}"))[..40];

    private string LivePath(string key) => Path.Combine(root, "live", key);

    private sealed record Manifest(string Run, string Stage, int Attempt, long Bytes, long Head, long Tail);
}
