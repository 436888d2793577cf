using System.Collections.Concurrent;

namespace Gristmill.Grains.Testing;

/// <summary>Logs that say of which attempt they are, for the stages that a test names, and what was removed.</summary>
internal sealed class ScriptedFiles : IStageFiles
{
    /// <summary>Stages that print.</summary>
    public ConcurrentDictionary<string, bool> Loud { get; } = new();

    public ConcurrentQueue<StageOrigin> Removed { get; } = new();

    public bool AreShared { get; set; } = true;

    public LogPage? ReadLog(StageOrigin stage, int attempt, StageLogRef? kept, long offset, int limit) => !Loud.ContainsKey(stage.Stage)
        ? null
        : new LogPage { Attempt = attempt, Offset = offset, Next = offset + 1, Bytes = 1, Text = kept?.Digest ?? "live", Ended = kept is not null };

    public StageLogRef? KeepLog(StageOrigin stage, int attempt) => Loud.ContainsKey(stage.Stage) ? new StageLogRef(attempt, $"{stage.Stage}-{attempt}", 1, 0) : null;

    /// <summary>Stages of which everything was removed, with their logs.</summary>
    public ConcurrentDictionary<StageOrigin, string> Gone { get; } = new();

    public void Remove(StageOrigin stage, int attempts, IReadOnlyList<StageLogRef> logs) => Gone[stage] = string.Join(' ', logs.Select(static log => log.Digest));

    public void RemoveCheckpoints(StageOrigin stage) => Removed.Enqueue(stage);
}
