using Gristmill.Grains.State;

namespace Gristmill.Grains.Pipelines;

/// <summary>The names of a catalog.</summary>
[GenerateSerializer, Alias("gristmill.state.Catalog")]
internal sealed record CatalogState
{
    /// <summary>In ordinal order.</summary>
    [Id(0)] public List<string> Names { get; init; } = [];
}

/// <inheritdoc cref="ICatalogGrain"/>
[GrainType("gristmill.catalog")]
internal sealed class CatalogGrain([PersistentState("catalog", StorageNames.Gristmill)] IPersistentState<CatalogState> state) : Grain, ICatalogGrain
{
    private readonly Durable<CatalogState> _state = new(state);

    public async Task AddAsync(string name)
    {
        GristmillName.Require(name, "catalog");
        var at = _state.Value.Names.BinarySearch(name, StringComparer.Ordinal);
        if (at < 0)
        {
            var names = _state.Value.Names.ToList();
            names.Insert(~at, name);
            await _state.SetAsync(new CatalogState { Names = names });
        }
    }

    public async Task RemoveAsync(string name)
    {
        if (_state.Value.Names.BinarySearch(name, StringComparer.Ordinal) >= 0)
        {
            await _state.SetAsync(new CatalogState { Names = [.. _state.Value.Names.Where(other => other != name)] });
        }
    }

    public Task<IReadOnlyList<string>> ListAsync() => Task.FromResult<IReadOnlyList<string>>([.. _state.Value.Names]);
}
