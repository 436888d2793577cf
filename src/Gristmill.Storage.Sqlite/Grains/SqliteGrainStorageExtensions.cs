using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Runtime.Hosting;
using Orleans.Serialization.Serializers;

namespace Gristmill.Storage.Sqlite;

/// <summary>Registers SQLite grain storage.</summary>
public static class SqliteGrainStorageExtensions
{
    /// <summary>The name Orleans gives the storage that grains use when they name none.</summary>
    private const string DefaultName = "Default";

    /// <summary>Adds SQLite grain storage under a name, as in <c>[PersistentState("state", "name")]</c>.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The storage's name; it is part of each row's key, so renaming it hides what was stored.</param>
    /// <param name="configure">Sets the options.</param>
    public static ISiloBuilder AddSqliteGrainStorage(this ISiloBuilder builder, string name, Action<SqliteGrainStorageOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.AddOptions<SqliteGrainStorageOptions>(name).Configure(configure);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Transient<IPostConfigureOptions<SqliteGrainStorageOptions>, SqliteGrainStorageSerializerConfigurator>());
        builder.Services.AddTransient<IConfigurationValidator>(services => new SqliteOptionsValidator(
            $"grain storage '{name}'", services.GetRequiredService<IOptionsMonitor<SqliteGrainStorageOptions>>().Get(name)));
        builder.Services.AddGrainStorage(name, static (services, key) => new SqliteGrainStorage(
            key,
            services.GetRequiredService<IOptionsMonitor<SqliteGrainStorageOptions>>().Get(key),
            services.GetRequiredService<IActivatorProvider>()));
        return builder;
    }

    /// <summary>Adds SQLite grain storage under a name, in a file of this path, with defaults otherwise.</summary>
    public static ISiloBuilder AddSqliteGrainStorage(this ISiloBuilder builder, string name, string path) =>
        builder.AddSqliteGrainStorage(name, options => options.Path = path);

    /// <summary>Adds SQLite grain storage for grains that name none.</summary>
    public static ISiloBuilder AddSqliteGrainStorageAsDefault(this ISiloBuilder builder, Action<SqliteGrainStorageOptions> configure) =>
        builder.AddSqliteGrainStorage(DefaultName, configure);
}
