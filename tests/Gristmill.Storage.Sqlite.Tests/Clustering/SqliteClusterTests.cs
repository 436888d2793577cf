using System.Net;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace Gristmill.Storage.Sqlite.Clustering;

/// <summary>Real silos and a real client that know nothing of each other but the database file.</summary>
public sealed class SqliteClusterTests : IDisposable
{
    private readonly TempDatabase _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Silos_and_a_client_find_each_other_through_the_file()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var one = Silo("one");
        using var two = Silo("two");
        await one.StartAsync(cancel);
        await two.StartAsync(cancel);
        using var client = Client();
        await client.StartAsync(cancel);
        var management = ((IClusterClient)client.Services.GetService(typeof(IClusterClient))!).GetGrain<IManagementGrain>(0);

        var hosts = await management.GetHosts(onlyActive: true);
        Assert.Equal(2, hosts.Count);

        await two.StopAsync(cancel);
        hosts = await management.GetHosts(onlyActive: true);
        Assert.Single(hosts);
        await client.StopAsync(cancel);
        await one.StopAsync(cancel);
    }

    private IHost Silo(string name)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.Configure<ClusterOptions>(Cluster).Configure<SiloOptions>(options => options.SiloName = name);
            silo.ConfigureEndpoints(IPAddress.Loopback, LoopbackPort.Free(), LoopbackPort.Free());
            silo.UseSqliteClustering(_temp.File);
            silo.UseSqliteReminders(_temp.File);
            silo.AddSqliteGrainStorageAsDefault(options => options.Path = _temp.File);
            silo.AddSqliteGrainStorage("named", _temp.File);
        });
        return builder.Build();
    }

    private IHost Client()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client => client.Configure<ClusterOptions>(Cluster).UseSqliteClustering(_temp.File));
        return builder.Build();
    }

    private static void Cluster(ClusterOptions options) => (options.ClusterId, options.ServiceId) = ("test", "test");
}
