using System.Net;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;

namespace Gristmill.Storage;

/// <summary>The gateways of active silos, from the membership table.</summary>
internal sealed class MembershipGatewayListProvider(IMembershipTable table, IOptions<GatewayOptions> options) : IGatewayListProvider
{
    public TimeSpan MaxStaleness => options.Value.GatewayListRefreshPeriod;

    public bool IsUpdatable => true;

    public Task InitializeGatewayListProvider() => table.InitializeMembershipTableAsync(false, CancellationToken.None);

    public async Task<IList<Uri>> GetGateways()
    {
        var members = (await table.ReadAllAsync(CancellationToken.None)).Members;
        return members
            .Select(static member => member.Item1)
            .Where(static silo => silo.Status == SiloStatus.Active && silo.ProxyPort > 0)
            .Select(static silo => SiloAddress
                .New(new IPEndPoint(silo.SiloAddress.Endpoint.Address, silo.ProxyPort), silo.SiloAddress.Generation)
                .ToGatewayUri())
            .ToList();
    }
}
