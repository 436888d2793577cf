namespace Gristmill.Grains.Objects;

/// <summary>Says whether what a stage left is there still, on this host or another.</summary>
internal static class ArtifactPresence
{
    public static async ValueTask<bool> HoldsAsync(this IStageFingerprints fingerprints, IGrainFactory grains, Artifact artifact) =>
        fingerprints.Holds(artifact) || (artifact.Dataset is { } table && await grains.DirectoryOf(table.Id).HoldsAsync(table.Id).ConfigureAwait(false));
}
