using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Clocks;

/// <summary>
/// Gives Orleans' collector of idle activations a clock that is never put back. It throws where it is asked to collect something before what it has collected
/// last, and with it fails the activation of every grain: a silo whose clock is put back by more than the age of collection (a quarter of an hour) would do
/// nothing more until its clock has come so far again. The clock of everything else follows the system's.
/// </summary>
internal static class SteadyCollection
{
    /// <summary>The collector: a class of Orleans' own, of which no interface is open.</summary>
    public const string CollectorName = "Orleans.Runtime.ActivationCollector";

    /// <summary>To be called once Orleans has registered its services. Where it no longer has this collector, nothing is changed.</summary>
    public static void AddSteadyCollection(this IServiceCollection services)
    {
        if (services.FirstOrDefault(static service => service.ServiceType.FullName == CollectorName && service.ImplementationType is not null) is { } collector)
        {
            services.Remove(collector);
            services.AddSingleton(collector.ServiceType, provider =>
                ActivatorUtilities.CreateInstance(provider, collector.ImplementationType!, new SteadyClock(provider.GetRequiredService<TimeProvider>())));
        }
    }
}
