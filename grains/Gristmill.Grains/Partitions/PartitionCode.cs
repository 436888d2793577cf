using System.Collections.Immutable;
using Gristmill.Grains.Pipelines;

namespace Gristmill.Grains.Partitions;

/// <summary>
/// What makes the partitions of a version, as digests: what its stages do, how they are wired, and the parameters' defaults. Limits, retries, descriptions
/// and triggers are not in it, nor which partitions there are.
/// </summary>
internal sealed record PartitionCode(ImmutableDictionary<string, PartitionCode.Stage> Stages, string Parameters)
{
    private const int MostKnown = 8;
    private const int DigestLength = 16;

    /// <summary>Reads the code of a spec's stages, and compares it with what is known of earlier versions, oldest first. Not to be called in a grain's turn.</summary>
    /// <returns>Its digest, and the newest that are known with it. Null: the pipeline is not partitioned, or it cannot be said.</returns>
    public static async Task<(string? Version, ImmutableArray<KnownCode> Known)> OfAsync(
        IGrainFactory grains, IStageFingerprints fingerprints, PipelineSpec spec, ImmutableArray<KnownCode> known)
    {
        if (spec.Partitions is null || Of(spec, fingerprints) is not { } code)
        {
            return (null, known);
        }

        var json = GristmillJson.CanonicalBytes(code);
        var blob = BlobRef.Of(json);
        if (!blob.IsSmall)
        {
            // What has changed in so many stages nobody is told.
            return (blob.Digest[..DigestLength], []);
        }

        await grains.PutBlobAsync(json);
        var earlier = await Task.WhenAll(known.Where(was => was.Code != blob).TakeLast(MostKnown - 1).Select(async was => was with { Change = await ChangeAsync(grains, was.Code, code) }));
        return (blob.Digest[..DigestLength], [.. earlier, new KnownCode(blob, null)]);
    }

    /// <summary>The digest that a known one goes by.</summary>
    public static string VersionOf(KnownCode known) => known.Code.Digest[..DigestLength];

    private static PartitionCode? Of(PipelineSpec spec, IStageFingerprints fingerprints)
    {
        var stages = ImmutableDictionary.CreateBuilder<string, Stage>();
        foreach (var stage in spec.Stages)
        {
            if (fingerprints.Digest(stage, spec.Code) is not { } digest)
            {
                return null;
            }

            var wiring = stage with { Options = "{}", Retry = new RetryPolicy(), Limits = new StageLimits(), Cache = null, Resources = null };
            stages[stage.Name] = new Stage(Digest(digest.Options + GristmillJson.Canonical(wiring)), digest.Code);
        }

        var parameters = (spec.Parameters.IsDefault ? [] : spec.Parameters).OrderBy(static parameter => parameter.Name, StringComparer.Ordinal)
            .Select(static parameter => new ParameterSpec(parameter.Name, parameter.Type, parameter.Default));
        return new PartitionCode(stages.ToImmutable(), Digest(GristmillJson.Canonical(parameters)));
    }

    private static async Task<string?> ChangeAsync(IGrainFactory grains, BlobRef was, PartitionCode now)
    {
        try
        {
            return GristmillJson.Deserialize<PartitionCode>(await grains.GetBlobAsync(was)).ChangeTo(now);
        }
        catch (GristmillException)
        {
            // It is known that something has changed, and not what.
            return null;
        }
    }

    private string? ChangeTo(PartitionCode now) =>
        Stages.Keys.Union(now.Stages.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(name => (Stages.GetValueOrDefault(name), now.Stages.GetValueOrDefault(name)) switch
        {
            (null, _) => $"stage '{name}' is new",
            (_, null) => $"stage '{name}' is gone",
            var (before, after) when before == after => null,
            var (before, after) when before.Spec == after.Spec => $"the code of stage '{name}' has changed",
            _ => $"stage '{name}' has changed",
        }).FirstOrDefault(static change => change is not null)
        ?? (Parameters == now.Parameters ? null : "the parameters have changed");

    private static string Digest(string text) => PipelineVersion.Digest(text)[..DigestLength];

    /// <summary>A stage.</summary>
    /// <param name="Spec">Digest of its operation, options and wiring.</param>
    /// <param name="Code">Digest of the user's code, or null.</param>
    internal sealed record Stage(string Spec, string? Code = null);
}
