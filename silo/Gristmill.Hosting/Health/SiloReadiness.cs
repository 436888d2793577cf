using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gristmill.Hosting;

/// <summary>Ready once the silo is an active member of its cluster and answers a grain call; not ready while it stops.</summary>
internal sealed class SiloReadiness(ILocalSiloDetails silo, IClusterMembershipService membership, IGrainFactory grains) : IHealthCheck
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var status = membership.CurrentSnapshot.GetSiloStatus(silo.SiloAddress);
        if (status != SiloStatus.Active)
        {
            return HealthCheckResult.Unhealthy($"The silo is {status}.");
        }

        try
        {
            _ = await grains.GetGrain<ICatalogGrain>("pipelines").ListAsync().WaitAsync(s_patience, cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return HealthCheckResult.Unhealthy("A grain call did not succeed.", e);
        }
    }
}
