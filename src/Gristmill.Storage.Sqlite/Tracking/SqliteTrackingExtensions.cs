using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Gristmill.Storage.Sqlite;

/// <summary>Registers the SQLite tracking store.</summary>
public static class SqliteTrackingExtensions
{
    /// <summary>Keeps what runs log in a SQLite file.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets the options.</param>
    public static ISiloBuilder UseSqliteTracking(this ISiloBuilder builder, Action<SqliteTrackingOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.AddOptions<SqliteTrackingOptions>().Configure(configure);
        builder.Services.AddTransient<IConfigurationValidator>(static services =>
            new SqliteOptionsValidator("tracking", services.GetRequiredService<IOptions<SqliteTrackingOptions>>().Value));
        builder.Services.AddSingleton<ITrackingStore>(static services => new SqliteTrackingStore(
            services.GetRequiredService<IOptions<SqliteTrackingOptions>>().Value, services.GetService<TimeProvider>() ?? TimeProvider.System));
        return builder;
    }

    /// <summary>Keeps what runs log in a SQLite file of this path, with defaults otherwise.</summary>
    public static ISiloBuilder UseSqliteTracking(this ISiloBuilder builder, string path) => builder.UseSqliteTracking(options => options.Path = path);
}
