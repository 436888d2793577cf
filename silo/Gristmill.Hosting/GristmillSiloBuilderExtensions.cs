using System.Net;
using Gristmill.Engines;
using Gristmill.Grains;
using Gristmill.Objects;
using Gristmill.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Gristmill.Hosting;

/// <summary>Puts Gristmill into any Orleans silo.</summary>
public static class GristmillSiloBuilderExtensions
{
    private const int DirectoryCacheSize = 50_000;

    /// <summary>
    /// Adds all of Gristmill to a silo: grains, durable state, membership and reminders in one SQLite file or in PostgreSQL, the object
    /// store, the stage executor, the serving router and the Orleans dashboard. <see cref="GristmillEndpointExtensions.MapGristmill"/>
    /// adds REST to the same host's web application.
    /// </summary>
    /// <param name="silo">The silo builder, as given by <c>UseOrleans</c>.</param>
    /// <param name="configure">Changes options after the configuration section "Gristmill" was read.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.DataFolderInUse"/>: another silo holds the data folder.</exception>
    /// <exception cref="OptionsValidationException">Settings are unknown, cannot be read or are out of range; every problem is named.</exception>
    public static ISiloBuilder UseGristmill(this ISiloBuilder silo, Action<GristmillOptions>? configure = null)
    {
        // Ports, paths and the lock are needed while the silo is being built, so the options are read now, once.
        var options = GristmillOptions.Read(silo.Configuration, configure);
        var folder = DataFolder.Open(options);
        var services = silo.Services;
        services.AddSingleton(options);
        services.AddSingleton(_ => folder);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(new TriggerOptions(options.DeclaredTriggers));
        services.TryAddSingleton<ISecretStore>(_ => new FolderSecretStore(folder.Root));

        silo.Configure<ClusterOptions>(cluster =>
        {
            cluster.ClusterId = options.Cluster;
            cluster.ServiceId = "gristmill";
        });
        // Sized for the grains that are active at once: the default of a million entries is memory an idle silo does not need.
        silo.Configure<GrainDirectoryOptions>(directory => directory.CacheSize = DirectoryCacheSize);
        silo.ConfigureEndpoints(IPAddress.Parse(options.Address),
            options.SiloPort == 0 ? LoopbackPort.Free() : options.SiloPort,
            options.GatewayPort == 0 ? LoopbackPort.Free() : options.GatewayPort);
        StorageSetup.Add(silo, options, folder);
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, StaleMembers>();
        // Before the grains' own defaults.
        services.AddSingleton(_ => new StageFiles(folder.Stages, new StageFilesOptions
        {
            Retention = options.LogRetention,
            Place = options is { Storage: StorageKind.Postgres, ContentDirectory: null } ? $"{folder.Stages} of host {Environment.MachineName}" : null,
        }));
        services.AddSingleton<IStageFiles>(static sp => sp.GetRequiredService<StageFiles>());
        services.AddSingleton(new StageCacheOptions { Enabled = options.Cache, MaxEntries = options.CacheMaxEntries, MaxAge = options.CacheMaxAge });
        services.AddSingleton<IStageFingerprints>(sp => new StageFingerprints(
            sp.GetRequiredService<ObjectStore>(), sp.GetRequiredService<ContentStore>(), StageExecutorFactory.BaseDirectory(options)));
        services.AddSingleton<IOperationCheck, OperationCheck>();
        silo.AddGristmillGrains();
        silo.AddActivityPropagation();
        if (options.Dashboard)
        {
            DashboardOnDemand.Add(silo);
        }

        services.AddSingleton(_ => ObjectStore.Open(new ObjectStoreOptions
        {
            Directory = folder.ObjectDirectory,
            CapacityBytes = options.ObjectCapacityBytes,
            SpillDirectory = folder.Spill,
            SpillCapacityBytes = options.SpillCapacityBytes,
            RecycledBytes = options.RecycledBytes,
            PutTimeout = options.PutTimeout,
        }));
        services.AddSingleton<ObjectServerHost>();
        services.AddSingleton<ObjectFetcher>();
        silo.AddObjectHost<ObjectHost>();
        services.AddSingleton(_ => new ContentStore(folder.Content));
        services.AddSingleton(sp => new EngineCatalog(sp.GetRequiredService<ContentStore>()));
        services.AddSingleton(sp => new ModelLoader(sp.GetRequiredService<ContentStore>(), sp.GetRequiredService<EngineCatalog>().Models));
        services.AddSingleton<IStageExecutor>(StageExecutorFactory.Create);
        services.AddSingleton<DeploymentRouter>();
        services.AddHostedService(sp => sp.GetRequiredService<DeploymentRouter>());
        services.AddHostedService<RunIndexRebuild>();
        services.AddSingleton<CacheJanitor>();
        services.AddSingleton<ObjectCollector>();
        services.AddHostedService<ObjectJanitor>();
        services.AddSingleton<PredictEndpoint>();
        FlightSetup.Add(services);
        services.AddHealthChecks().AddCheck<SiloReadiness>("silo", tags: ["ready"]);
        return silo;
    }
}
