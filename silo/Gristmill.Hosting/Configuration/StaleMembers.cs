using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Gristmill.Hosting;

/// <summary>
/// Forgets the silos of earlier processes before this one joins. The data folder's lock proves that none of them lives,
/// so there is no need to probe them and wait for their timeouts after a crash. Where other silos may live, as in
/// PostgreSQL, <see cref="PreviousMember"/> forgets one only.
/// </summary>
internal sealed class StaleMembers(IMembershipTable table, IOptions<ClusterOptions> cluster, GristmillOptions options) : ILifecycleParticipant<ISiloLifecycle>
{
    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe(nameof(StaleMembers), ServiceLifecycleStage.First,
            cancellationToken => options.Storage == StorageKind.Sqlite ? table.DeleteMembershipTableEntriesAsync(cluster.Value.ClusterId, cancellationToken) : Task.CompletedTask);
}
