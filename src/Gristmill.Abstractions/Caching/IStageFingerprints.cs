namespace Gristmill;

/// <summary>Says what a stage's result depends on. It reads files and assemblies, so it is asked outside of grain turns.</summary>
public interface IStageFingerprints
{
    /// <summary>What the result of an attempt will depend on.</summary>
    /// <param name="request">The attempt.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    StageFingerprint Compute(StageRequest request, CancellationToken cancellationToken);

    /// <summary>Whether an artifact's data is still there.</summary>
    bool Holds(Artifact artifact);
}
