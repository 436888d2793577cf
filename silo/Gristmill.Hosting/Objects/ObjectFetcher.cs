using Gristmill.Grains.Objects;
using Gristmill.Objects;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>Brings tables here that lie on other hosts of the cluster.</summary>
internal sealed class ObjectFetcher(ObjectStore store, IGrainFactory grains, IObjectHosts hosts, ILocalSiloDetails here, TimeProvider time, ILogger<ObjectFetcher> logger)
{
    /// <summary>Makes sure that an object lies in this host's store.</summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.ObjectNotFound"/>: no silo has it. <see cref="ErrorCodes.ObjectUnreachable"/>, <see cref="ErrorCodes.Corrupt"/>,
    /// <see cref="ErrorCodes.StoreFull"/>: it cannot be brought here.
    /// </exception>
    public Task FetchAsync(string id, CancellationToken cancellationToken) =>
        store.Contains(id) ? Task.CompletedTask : store.PullAsync(id, new ClusterSources(id, grains.DirectoryOf(id), hosts, here.SiloAddress, time, logger), cancellationToken);

    /// <summary>The same, where it may be no object at all: false if no silo has it.</summary>
    public async Task<bool> TryFetchAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            await FetchAsync(id, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.ObjectNotFound)
        {
            return false;
        }
    }

    /// <summary>A lease on an object, which is brought here if need be.</summary>
    public async Task<ObjectLease> GetAsync(string id, CancellationToken cancellationToken)
    {
        await FetchAsync(id, cancellationToken).ConfigureAwait(false);
        return store.Get(id);
    }
}
