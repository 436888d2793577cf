using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Serialization.Configuration;
using Orleans.Statistics;

namespace Gristmill.Testing;

/// <summary>
/// What Orleans finds in the assemblies of a process, found once for all its clusters: more than half of what a silo's start costs. It is
/// found anew when an assembly that has grains or serialised types was loaded since.
/// </summary>
internal sealed class SiloBlueprint
{
    // Nothing but data made of the assemblies' types. The last is not public: under another name it would be made for each cluster again.
    private static readonly string[] s_shared = ["Orleans.Serialization.TypeSystem.TypeConverter", "Orleans.Metadata.SiloManifestProvider"];

    private static readonly Lock s_gate = new();
    private static SiloBlueprint? s_current;

    private readonly ConcurrentDictionary<Type, Slot> _shared = new();
    private readonly ServiceDescriptor[] _services;
    private readonly int _parts;

    private SiloBlueprint()
    {
        // A host that is never built, so that nothing here belongs to one cluster.
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        var before = builder.Services.Count;
        builder.UseOrleans(static _ => { });
        _services = [.. builder.Services.Skip(before).Where(static service => service.ServiceType.Name != "OrleansBuilderMarker").Select(Adapt)];
        _parts = CountParts();
    }

    public static SiloBlueprint Get()
    {
        lock (s_gate)
        {
            return s_current is { } current && current._parts == CountParts() ? current : s_current = new SiloBlueprint();
        }
    }

    /// <summary>Does what <c>UseOrleans</c> does, without a network and without watching the machine.</summary>
    public ISiloBuilder Apply(HostApplicationBuilder builder)
    {
        foreach (var service in _services)
        {
            builder.Services.Add(service);
        }

        builder.Services.AddSingleton<IEnvironmentStatisticsProvider, NoStatistics>();
        builder.Services.AddSingleton(services => Share(typeof(IOptions<TypeManifestOptions>), () =>
            Options.Create(services.GetRequiredService<IOptionsFactory<TypeManifestOptions>>().Create(Options.DefaultName))));
        return new Builder(builder.Services, builder.Configuration);
    }

    private static int CountParts() => AppDomain.CurrentDomain.GetAssemblies().Count(static assembly => assembly.IsDefined(typeof(ApplicationPartAttribute), inherit: false));

    private ServiceDescriptor Adapt(ServiceDescriptor service)
    {
        if (service.IsKeyedService)
        {
            return service.ServiceType == typeof(IConnectionListenerFactory)
                ? ServiceDescriptor.KeyedSingleton(service.ServiceType, service.ServiceKey, new NoNetwork())
                : service;
        }

        return service.ImplementationType is { } type && s_shared.Contains(type.FullName)
            ? ServiceDescriptor.Singleton(service.ServiceType, services => Share(type, () => ActivatorUtilities.CreateInstance(services, type)))
            : service;
    }

    private T Share<T>(Type type, Func<T> make) where T : class
    {
        // A lock each, taken in the order in which they depend on each other: as a container's own.
        var slot = _shared.GetOrAdd(type, static _ => new Slot());
        lock (slot)
        {
            return (T)(slot.Value ??= make());
        }
    }

    private sealed class Slot
    {
        public object? Value { get; set; }
    }

    private sealed record Builder(IServiceCollection Services, IConfiguration Configuration) : ISiloBuilder;

    /// <summary>The only silo's load is nobody's concern; Orleans' own counters wake up every second.</summary>
    private sealed class NoStatistics : IEnvironmentStatisticsProvider
    {
        public EnvironmentStatistics GetEnvironmentStatistics() => default;
    }
}
