namespace Gristmill;

/// <summary>Says what a stage's result depends on. It reads files and assemblies, so it is asked outside of grain turns.</summary>
public interface IStageFingerprints
{
    /// <summary>What the result of an attempt will depend on.</summary>
    /// <param name="request">The attempt.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    StageFingerprint Compute(StageRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// What a stage does as its spec has it, parameters not filled in; neither its inputs nor the files it reads count, nor the engine and the platform.
    /// </summary>
    /// <param name="stage">The stage.</param>
    /// <param name="code">The user's assemblies, or null: the running program's.</param>
    /// <returns>Null where that cannot be said, as its code cannot be read.</returns>
    StageDigest? Digest(StageSpec stage, CodeRef? code);

    /// <summary>Whether an artifact's data is still there.</summary>
    bool Holds(Artifact artifact);
}
