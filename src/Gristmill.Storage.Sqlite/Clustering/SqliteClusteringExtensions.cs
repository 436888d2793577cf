using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Messaging;

namespace Gristmill.Storage.Sqlite;

/// <summary>Registers SQLite clustering.</summary>
public static class SqliteClusteringExtensions
{
    /// <summary>Silos of one machine find each other through a SQLite file.</summary>
    public static ISiloBuilder UseSqliteClustering(this ISiloBuilder builder, Action<SqliteClusteringOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        AddTable(builder.Services, configure);
        return builder;
    }

    /// <summary>Silos of one machine find each other through a SQLite file, with defaults otherwise.</summary>
    public static ISiloBuilder UseSqliteClustering(this ISiloBuilder builder, string path) =>
        builder.UseSqliteClustering(options => options.Path = path);

    /// <summary>A client on the same machine finds the silos' gateways through their SQLite file.</summary>
    public static IClientBuilder UseSqliteClustering(this IClientBuilder builder, Action<SqliteClusteringOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        AddTable(builder.Services, configure);
        builder.Services.AddSingleton<IGatewayListProvider, MembershipGatewayListProvider>();
        return builder;
    }

    /// <summary>A client on the same machine finds the silos' gateways through their SQLite file, with defaults otherwise.</summary>
    public static IClientBuilder UseSqliteClustering(this IClientBuilder builder, string path) =>
        builder.UseSqliteClustering(options => options.Path = path);

    private static void AddTable(IServiceCollection services, Action<SqliteClusteringOptions> configure)
    {
        services.Configure(configure);
        services.AddTransient<IConfigurationValidator>(static provider => new SqliteOptionsValidator(
            "clustering", provider.GetRequiredService<IOptions<SqliteClusteringOptions>>().Value));
        services.AddSingleton<IMembershipTable, SqliteMembershipTable>();
    }
}
