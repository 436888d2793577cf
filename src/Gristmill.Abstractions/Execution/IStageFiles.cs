namespace Gristmill;

/// <summary>What stages leave beside their outputs. It reads and writes files, so it is asked outside of grain turns.</summary>
public interface IStageFiles
{
    /// <summary>Whether what a stage leaves is found from every silo, whichever executed it.</summary>
    bool AreShared { get; }

    /// <summary>Some of what an attempt has printed; null if nothing is known of it.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="attempt">The attempt.</param>
    /// <param name="kept">Its log, if it has ended.</param>
    /// <param name="offset">Where to start, in bytes of all that was printed.</param>
    /// <param name="limit">Most bytes of text.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>: its log lies with another silo, or is kept no more.</exception>
    LogPage? ReadLog(StageOrigin stage, int attempt, StageLogRef? kept, long offset, int limit);

    /// <summary>Keeps what an attempt that has ended has printed; null if that was nothing. Again gives null.</summary>
    StageLogRef? KeepLog(StageOrigin stage, int attempt);

    /// <summary>Removes the checkpoints of a stage that needs them no more.</summary>
    void RemoveCheckpoints(StageOrigin stage);

    /// <summary>Removes all that there is of a stage; again changes nothing.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="attempts">Its attempts.</param>
    /// <param name="logs">The logs that are kept of them.</param>
    void Remove(StageOrigin stage, int attempts, IReadOnlyList<StageLogRef> logs);
}
