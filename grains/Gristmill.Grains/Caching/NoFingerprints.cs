namespace Gristmill.Grains.Caching;

/// <summary>For silos without an executor of their own kind: nothing can be said, so nothing is taken over.</summary>
internal sealed class NoFingerprints : IStageFingerprints
{
    public StageFingerprint Compute(StageRequest request, CancellationToken cancellationToken) =>
        new() { Refusal = "this silo does not say what results depend on" };

    public StageDigest? Digest(StageSpec stage, CodeRef? code) => null;

    public bool Holds(Artifact artifact) => true;
}
