using Orleans.Runtime.Services;

namespace Gristmill.Grains.Objects;

/// <summary>The object stores of all silos.</summary>
internal interface IObjectHosts
{
    /// <summary>Silos that are alive.</summary>
    IReadOnlyCollection<SiloAddress> Active { get; }

    /// <summary>One of them.</summary>
    IObjectHost At(SiloAddress silo);
}

internal sealed class ObjectHosts(IServiceProvider services, ISiloStatusOracle silos) : GrainServiceClient<IObjectHost>(services), IObjectHosts
{
    public IReadOnlyCollection<SiloAddress> Active => [.. silos.GetApproximateSiloStatuses(onlyActive: true).Keys];

    public IObjectHost At(SiloAddress silo) => GetGrainService(silo);
}
