using Gristmill.Storage.Conformance;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Gristmill.Storage.Postgres.Clustering;

public sealed class PostgresMembershipTableTests : MembershipTableConformance, IAsyncDisposable
{
    private readonly PostgresMembershipTable _table;
    private readonly PostgresMembershipTable _other;
    private readonly PostgresMembershipTable _foreign;

    public PostgresMembershipTableTests(PostgresFixture fixture)
    {
        var connection = fixture.NewSchema();
        (_table, _other, _foreign) = (New(connection, "c1"), New(connection + ";Maximum Pool Size=7", "c1"), New(connection, "c2"));
    }

    protected override IMembershipTable Table => _table;

    protected override IMembershipTable OtherTable => _other;

    protected override string ClusterId => "c1";

    public async ValueTask DisposeAsync()
    {
        await _table.DisposeAsync();
        await _other.DisposeAsync();
        await _foreign.DisposeAsync();
    }

    [Fact]
    public async Task Clusters_of_one_database_do_not_see_each_other()
    {
        IMembershipTable theirs = _foreign;
        await Table.InitializeMembershipTableAsync(true, TestContext.Current.CancellationToken);
        await theirs.InitializeMembershipTableAsync(true, TestContext.Current.CancellationToken);
        Assert.True(await Table.InsertRowAsync(Entry(1), new TableVersion(1, "0"), TestContext.Current.CancellationToken));

        Assert.Empty((await theirs.ReadAllAsync(TestContext.Current.CancellationToken)).Members);
    }

    [Fact]
    public async Task Gateways_are_those_of_active_silos_that_have_one()
    {
        await Table.InitializeMembershipTableAsync(true, TestContext.Current.CancellationToken);
        MembershipEntry[] entries = [Entry(1), Entry(2), Entry(3)];
        entries[1].Status = SiloStatus.Dead;
        entries[2].ProxyPort = 0;
        foreach (var entry in entries)
        {
            Assert.True(await Table.InsertRowAsync(entry, (await Table.ReadAllAsync(TestContext.Current.CancellationToken)).Version.Next(), TestContext.Current.CancellationToken));
        }

        var provider = new MembershipGatewayListProvider(_other, Options.Create(new GatewayOptions()));
        await provider.InitializeGatewayListProvider();

        Assert.Equal(30_001, Assert.Single(await provider.GetGateways()).Port);
    }

    private static PostgresMembershipTable New(string connection, string cluster) => new(
        Options.Create(new PostgresClusteringOptions { ConnectionString = connection }),
        Options.Create(new ClusterOptions { ClusterId = cluster, ServiceId = "s" }));

    private static MembershipEntry Entry(int i) => new()
    {
        SiloAddress = SiloAddress.New(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 20_000 + i), i),
        Status = SiloStatus.Active,
        HostName = "h",
        SiloName = $"s{i}",
        ProxyPort = 30_000 + i,
        StartTime = DateTime.UnixEpoch,
        IAmAliveTime = DateTime.UnixEpoch,
    };
}
