using Gristmill.Grains.Caching;
using Gristmill.Grains.Clocks;
using Gristmill.Grains.Objects;
using Gristmill.Grains.Pipelines;
using Gristmill.Grains.Runs;
using Gristmill.Grains.State;
using Gristmill.Grains.Triggers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains;

/// <summary>Registers what the grains of the lifecycle need.</summary>
public static class GristmillGrainsExtensions
{
    /// <summary>
    /// Adds the grains' services to a silo. The silo must also have grain storage called "gristmill", reminders, and an
    /// <see cref="IStageExecutor"/>.
    /// </summary>
    public static ISiloBuilder AddGristmillGrains(this ISiloBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSteadyCollection();
        builder.Services.TryAddSingleton<ISecretStore, EnvironmentSecretStore>();
        builder.Services.TryAddSingleton<SpecCache>();
        builder.Services.TryAddSingleton<StagePages>();
        builder.Services.TryAddSingleton(static services => new RunIndex(
            services.GetService<ITrackingStore>(), services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<RunIndex>>()));
        builder.Services.TryAddSingleton(new TriggerOptions());
        builder.Services.TryAddSingleton(static _ => new ObjectWatch(ObjectWatch.Limit));
        builder.Services.TryAddSingleton(new StageCacheOptions());
        builder.Services.TryAddSingleton<IStageFingerprints, NoFingerprints>();
        builder.Services.TryAddSingleton<IOperationCheck, AnyOperation>();
        builder.Services.TryAddSingleton<IStageFiles, NoStageFiles>();
        builder.Services.TryAddSingleton<StageCache>();
        builder.Services.TryAddSingleton<IObjectHosts, NoObjectHosts>();
        builder.Services.TryAddSingleton<StageExecution>();
        builder.Services.TryAddSingleton<OrderedStates>();
        builder.Services.TryAddSingleton<RunRecovery>();
        builder.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(static services => services.GetRequiredService<RunRecovery>());
        return builder;
    }

    /// <summary>Lets the other silos of the cluster see this one's object store, and it theirs.</summary>
    /// <typeparam name="THost">Answers for the store; a service that each silo has one of.</typeparam>
    public static ISiloBuilder AddObjectHost<THost>(this ISiloBuilder builder)
        where THost : GrainService, IObjectHost
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddGrainService<THost>();
        builder.Services.AddSingleton<IObjectHosts, ObjectHosts>();
        return builder;
    }
}
