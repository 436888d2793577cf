using System.Collections.Concurrent;
using Gristmill.Grains.Runs;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace Gristmill.Grains.Testing;

/// <summary>Counts how often the store has taken a stage in as succeeded, by "run/stage", whoever wrote it.</summary>
internal sealed class CommitCounter(IOrderedGrainStorage inner, ConcurrentDictionary<string, int> commits) : IOrderedGrainStorage, IDisposable
{
    /// <summary>Puts it around a grain storage that is registered.</summary>
    public static void Add(IServiceCollection services, string name, ConcurrentDictionary<string, int> commits)
    {
        var registered = services.Last(service => service.ServiceType == typeof(IGrainStorage) && Equals(service.ServiceKey, name));
        services.AddKeyedSingleton<IGrainStorage>(name, (provider, key) =>
            new CommitCounter((IOrderedGrainStorage)registered.KeyedImplementationFactory!(provider, key), commits));
    }

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ReadStateAsync(stateName, grainId, grainState);

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ClearStateAsync(stateName, grainId, grainState);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var commits = IsCommit(grainState);
        await inner.WriteStateAsync(stateName, grainId, grainState);
        Count(commits, grainId);
    }

    public async Task WriteStatesAsync<T>(string stateName, GrainId first, IGrainState<T> firstState, GrainId second, IGrainState<T> secondState)
    {
        var (one, two) = (IsCommit(firstState), IsCommit(secondState));
        await inner.WriteStatesAsync(stateName, first, firstState, second, secondState);
        Count(one, first);
        Count(two, second);
    }

    public void Dispose() => (inner as IDisposable)?.Dispose();

    private static bool IsCommit<T>(IGrainState<T> state) => state.State is StageState { Status: StageStatus.Succeeded };

    private void Count(bool isCommit, GrainId grain)
    {
        if (isCommit)
        {
            commits.AddOrUpdate(grain.Key.ToString()!, 1, static (_, known) => known + 1);
        }
    }
}
