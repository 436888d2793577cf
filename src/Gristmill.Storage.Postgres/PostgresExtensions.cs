using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Messaging;
using Orleans.Runtime.Hosting;
using Orleans.Serialization;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Gristmill.Storage.Postgres;

/// <summary>Registers PostgreSQL for grain state, reminders, membership and tracking.</summary>
public static class PostgresExtensions
{
    /// <summary>Adds grain storage under a name, as in <c>[PersistentState("state", "name")]</c>.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The storage's name; it is part of each row's key, so renaming it hides what was stored.</param>
    /// <param name="configure">Sets the options.</param>
    public static ISiloBuilder AddPostgresGrainStorage(this ISiloBuilder builder, string name, Action<PostgresGrainStorageOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.AddOptions<PostgresGrainStorageOptions>(name).Configure(configure);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Transient<IPostConfigureOptions<PostgresGrainStorageOptions>, SerializerConfigurator>());
        builder.Services.AddTransient<IConfigurationValidator>(services => new PostgresOptionsValidator(
            $"grain storage '{name}'", services.GetRequiredService<IOptionsMonitor<PostgresGrainStorageOptions>>().Get(name)));
        builder.Services.AddGrainStorage(name, static (services, key) => new PostgresGrainStorage(
            key,
            services.GetRequiredService<IOptionsMonitor<PostgresGrainStorageOptions>>().Get(key),
            services.GetRequiredService<IActivatorProvider>()));
        return builder;
    }

    /// <summary>Keeps reminders in PostgreSQL.</summary>
    public static ISiloBuilder UsePostgresReminders(this ISiloBuilder builder, Action<PostgresReminderOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.AddReminders();
        builder.Services.Configure(configure);
        builder.Services.AddTransient<IConfigurationValidator>(static services => new PostgresOptionsValidator(
            "reminders", services.GetRequiredService<IOptions<PostgresReminderOptions>>().Value));
        builder.Services.AddSingleton<IReminderTable, PostgresReminderTable>();
        return builder;
    }

    /// <summary>Keeps what runs log, and the index they are searched by, in PostgreSQL: all silos of the database share it.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets the options.</param>
    public static ISiloBuilder UsePostgresTracking(this ISiloBuilder builder, Action<PostgresTrackingOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.AddOptions<PostgresTrackingOptions>().Configure(configure);
        builder.Services.AddTransient<IConfigurationValidator>(static services => new PostgresOptionsValidator(
            "tracking", services.GetRequiredService<IOptions<PostgresTrackingOptions>>().Value));
        builder.Services.AddSingleton<ITrackingStore>(static services => new PostgresTrackingStore(
            services.GetRequiredService<IOptions<PostgresTrackingOptions>>().Value, services.GetService<TimeProvider>() ?? TimeProvider.System));
        return builder;
    }

    /// <summary>Silos find each other through PostgreSQL.</summary>
    public static ISiloBuilder UsePostgresClustering(this ISiloBuilder builder, Action<PostgresClusteringOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        AddTable(builder.Services, configure);
        return builder;
    }

    /// <summary>A client finds the silos' gateways through PostgreSQL.</summary>
    public static IClientBuilder UsePostgresClustering(this IClientBuilder builder, Action<PostgresClusteringOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        AddTable(builder.Services, configure);
        builder.Services.AddSingleton<IGatewayListProvider, MembershipGatewayListProvider>();
        return builder;
    }

    private static void AddTable(IServiceCollection services, Action<PostgresClusteringOptions> configure)
    {
        services.Configure(configure);
        services.AddTransient<IConfigurationValidator>(static provider => new PostgresOptionsValidator(
            "clustering", provider.GetRequiredService<IOptions<PostgresClusteringOptions>>().Value));
        services.AddSingleton<IMembershipTable, PostgresMembershipTable>();
    }

    /// <summary>Fills in the default serializer.</summary>
    private sealed class SerializerConfigurator(IServiceProvider services) : IPostConfigureOptions<PostgresGrainStorageOptions>
    {
        public void PostConfigure(string? name, PostgresGrainStorageOptions options) =>
            options.GrainStorageSerializer ??=
                (name is null ? null : services.GetKeyedService<IGrainStorageSerializer>(name))
                ?? new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>());
    }
}
