using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace Gristmill.Grains.State;

/// <summary>Writes states of other grains, for a grain that does their work for them; ETags keep the two apart.</summary>
internal sealed class OrderedStates([FromKeyedServices(StorageNames.Gristmill)] IGrainStorage storage)
{
    public Task WriteAsync<T>(string name, GrainId grain, GrainState<T> state) => storage.WriteStateAsync(name, grain, state);

    /// <summary>Writes two states, the second never without the first: with one flush where the storage can, for which the calling thread waits unless it has a grain's turn.</summary>
    public async Task WriteAsync<T>(string name, GrainId first, GrainState<T> firstState, GrainId second, GrainState<T> secondState)
    {
        if (storage is IOrderedGrainStorage ordered)
        {
            await (TaskScheduler.Current == TaskScheduler.Default
                ? ordered.WriteStatesAsync(name, first, firstState, second, secondState)
                : Task.Run(() => ordered.WriteStatesAsync(name, first, firstState, second, secondState)));
            return;
        }

        await storage.WriteStateAsync(name, first, firstState);
        await storage.WriteStateAsync(name, second, secondState);
    }
}
