namespace Gristmill.Grains.Runs;

/// <summary>For silos without an executor of their own kind: stages leave nothing.</summary>
internal sealed class NoStageFiles : IStageFiles
{
    public bool AreShared => true;

    public LogPage? ReadLog(StageOrigin stage, int attempt, StageLogRef? kept, long offset, int limit) => null;

    public StageLogRef? KeepLog(StageOrigin stage, int attempt) => null;

    public void RemoveCheckpoints(StageOrigin stage)
    {
    }

    public void Remove(StageOrigin stage, int attempts, IReadOnlyList<StageLogRef> logs)
    {
    }
}
