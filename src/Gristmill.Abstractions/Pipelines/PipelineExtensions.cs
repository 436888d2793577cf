namespace Gristmill;

/// <summary>Registers and shows pipelines of any size: specs that do not fit a grain message go in chunks.</summary>
public static class PipelineExtensions
{
    /// <summary>Validates and stores a spec as its pipeline's newest version; the same spec again changes nothing.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the spec is not valid; nothing was changed.</exception>
    public static async Task<PipelineView> RegisterPipelineAsync(this IGrainFactory grains, PipelineSpec spec)
    {
        ArgumentNullException.ThrowIfNull(grains);
        ArgumentNullException.ThrowIfNull(spec);
        // On the thread pool: some 100 ms for 10,000 stages, which a grain's turn must not take if one calls this.
        var json = await Task.Run(() =>
        {
            PipelineSpecValidator.ThrowIfInvalid(spec);
            return GristmillJson.CanonicalBytes(spec);
        });
        var pipeline = grains.GetGrain<IPipelineGrain>(spec.Name);
        if (BlobRef.Of(json).IsSmall)
        {
            return await pipeline.RegisterAsync(spec);
        }

        var view = await pipeline.PublishAsync(await grains.PutBlobAsync(json));
        return view with { Spec = spec };
    }

    /// <summary>A pipeline with its newest spec, or null.</summary>
    public static async Task<PipelineView?> GetPipelineAsync(this IGrainFactory grains, string name)
    {
        ArgumentNullException.ThrowIfNull(grains);
        var view = await grains.GetGrain<IPipelineGrain>(name).GetAsync();
        return view is { Spec: null, Source: { } source } ? view with { Spec = await grains.GetSpecAsync(source) } : view;
    }

    /// <summary>Reads a spec that is stored in chunks.</summary>
    public static async Task<PipelineSpec> GetSpecAsync(this IGrainFactory grains, BlobRef source)
    {
        var json = await grains.GetBlobAsync(source);
        return await Task.Run(() => GristmillJson.Deserialize<PipelineSpec>(json));
    }
}
