using System.Collections.Immutable;

namespace Gristmill.Grains.Runs;

/// <summary>Fetches what a stage's start only names: large values of other stages, and the outputs of a loop's items.</summary>
internal sealed class StageInputs(IGrainFactory grains, string run, TimeProvider time)
{
    private const int AtOnce = 64;

    public async Task<ImmutableDictionary<string, Artifact>> FetchAsync(ImmutableDictionary<string, Artifact> inputs)
    {
        foreach (var (name, artifact) in inputs)
        {
            if (artifact.Kind is ArtifactKind.Value or ArtifactKind.Collection)
            {
                inputs = inputs.SetItem(name, await FetchAsync(artifact));
            }
        }

        return inputs;
    }

    private async Task<Artifact> FetchAsync(Artifact artifact) => artifact switch
    {
        { Value: { Json: null } value } => Artifact.Of(value with { Json = await StageValues.ReadAsync(grains, run, value, time), Stage = null, Output = null }),
        { Collection: { Items: null } collection } => Artifact.Of(collection with { Items = await GatherAsync(collection) }),
        _ => artifact,
    };

    private async Task<ImmutableArray<Artifact?>> GatherAsync(CollectionRef collection)
    {
        var items = ImmutableArray.CreateBuilder<Artifact?>();
        for (int? offset = 0; offset is { } at;)
        {
            var page = await Retry.TransientAsync(
                () => grains.GetGrain<IRunControlGrain>(run).ListInstancesAsync(collection.Stage, collection.Within, at), time);
            foreach (var names in page.Names.Chunk(AtOnce))
            {
                items.AddRange(await Task.WhenAll(names.Select(name => OutputAsync(name, collection.Output))));
            }

            offset = page.Next;
        }

        return items.ToImmutable();
    }

    private async Task<Artifact?> OutputAsync(string? stage, string output)
    {
        if (stage is null)
        {
            return null;
        }

        var view = await Retry.TransientAsync(() => grains.GetGrain<IStageGrain>($"{run}/{stage}").GetAsync(), time);
        return view is not null && view.Outputs.TryGetValue(output, out var artifact)
            ? await FetchAsync(artifact)
            : throw new GristmillException(ErrorCodes.Invalid,
                $"Stage '{stage}' has no output '{output}'; it has {string.Join(", ", view?.Outputs.Keys.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>())}.", "Name one of its outputs.");
    }
}
