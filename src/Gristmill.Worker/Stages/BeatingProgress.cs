namespace Gristmill.Worker;

/// <summary>Progress is a sign of life too.</summary>
internal sealed class BeatingProgress(IProgress<StageProgress>? progress, AttemptDeadline deadline) : IProgress<StageProgress>
{
    public void Report(StageProgress value)
    {
        deadline.Beat();
        progress?.Report(value);
    }
}
