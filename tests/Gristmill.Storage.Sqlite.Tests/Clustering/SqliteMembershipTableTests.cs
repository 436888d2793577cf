using System.Net;
using Gristmill.Storage.Conformance;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Gristmill.Storage.Sqlite.Clustering;

public sealed class SqliteMembershipTableTests : MembershipTableConformance, IDisposable
{
    private readonly TempDatabase _temp = new();
    private readonly SqliteMembershipTable _table;
    private readonly SqliteMembershipTable _other;

    public SqliteMembershipTableTests() => (_table, _other) = (New("c1"), New("c1"));

    protected override IMembershipTable Table => _table;

    protected override IMembershipTable OtherTable => _other;

    protected override string ClusterId => "c1";

    public void Dispose()
    {
        _table.Dispose();
        _other.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task Clusters_of_one_file_do_not_see_each_other()
    {
        using var foreign = New("c2");
        IMembershipTable mine = _table, theirs = foreign;
        await mine.InitializeMembershipTableAsync(true, TestContext.Current.CancellationToken);
        await theirs.InitializeMembershipTableAsync(true, TestContext.Current.CancellationToken);
        await mine.InsertRowAsync(Entry(SiloStatus.Active, 1), new TableVersion(1, "0"), TestContext.Current.CancellationToken);

        Assert.Empty((await theirs.ReadAllAsync(TestContext.Current.CancellationToken)).Members);
    }

    [Fact]
    public async Task Gateways_are_those_of_active_silos_that_have_one()
    {
        IMembershipTable table = _table;
        await table.InitializeMembershipTableAsync(true, TestContext.Current.CancellationToken);
        MembershipEntry[] entries = [Entry(SiloStatus.Active, 1), Entry(SiloStatus.Dead, 2), Entry(SiloStatus.Active, 3)];
        entries[2].ProxyPort = 0;
        foreach (var entry in entries)
        {
            var version = (await table.ReadAllAsync(TestContext.Current.CancellationToken)).Version;
            Assert.True(await table.InsertRowAsync(entry, version.Next(), TestContext.Current.CancellationToken));
        }

        var provider = new MembershipGatewayListProvider(_other, Options.Create(new GatewayOptions()));
        await provider.InitializeGatewayListProvider();
        var gateway = Assert.Single(await provider.GetGateways());

        Assert.Equal(30_001, gateway.Port);
    }

    private SqliteMembershipTable New(string cluster) => new(
        Options.Create(new SqliteClusteringOptions { Path = _temp.File }),
        Options.Create(new ClusterOptions { ClusterId = cluster, ServiceId = "s" }));

    private static MembershipEntry Entry(SiloStatus status, int i) => new()
    {
        SiloAddress = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 20_000 + i), i),
        Status = status,
        HostName = "h",
        SiloName = $"s{i}",
        ProxyPort = 30_000 + i,
        StartTime = DateTime.UnixEpoch,
        IAmAliveTime = DateTime.UnixEpoch,
    };
}
