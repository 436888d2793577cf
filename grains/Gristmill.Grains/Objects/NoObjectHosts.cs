namespace Gristmill.Grains.Objects;

/// <summary>For silos whose host offers no object store: nobody holds anything.</summary>
internal sealed class NoObjectHosts : IObjectHosts
{
    public IReadOnlyCollection<SiloAddress> Active => [];

    public IObjectHost At(SiloAddress silo) => throw new NotSupportedException("This host has no object store.");
}
