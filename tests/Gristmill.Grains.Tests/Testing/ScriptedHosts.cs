using System.Collections.Concurrent;
using System.Net;
using Gristmill.Grains.Objects;

namespace Gristmill.Grains.Testing;

/// <summary>Object stores of silos that are names only: a test says which are alive and what each holds.</summary>
internal sealed class ScriptedHosts : IObjectHosts
{
    private readonly ConcurrentDictionary<SiloAddress, Host> _hosts = new();

    public IReadOnlyCollection<SiloAddress> Active => [.. _hosts.Where(static host => host.Value.IsAlive).Select(static host => host.Key)];

    public IObjectHost At(SiloAddress silo) => _hosts[silo];

    /// <summary>Adds a silo.</summary>
    /// <param name="number">Its number, which is its port.</param>
    /// <param name="machine">The last part of its address.</param>
    public SiloAddress Add(int number, byte machine = 1)
    {
        var silo = SiloAddress.New(new IPEndPoint(new IPAddress([10, 0, 0, machine]), number), 1);
        _hosts[silo] = new Host();
        return silo;
    }

    public void Put(SiloAddress silo, string id) => _hosts[silo].Objects[id] = true;

    public void Remove(SiloAddress silo, string id) => _hosts[silo].Objects.TryRemove(id, out _);

    public void Kill(SiloAddress silo) => _hosts[silo].IsAlive = false;

    public int Asked(SiloAddress silo) => _hosts[silo].Asked;

    private sealed class Host : IObjectHost
    {
        private int _asked;

        public ConcurrentDictionary<string, bool> Objects { get; } = new(StringComparer.Ordinal);

        public bool IsAlive { get; set; } = true;

        public int Asked => _asked;

        public Task<bool> HoldsAsync(string id)
        {
            Interlocked.Increment(ref _asked);
            return IsAlive ? Task.FromResult(Objects.ContainsKey(id)) : Task.FromException<bool>(new SiloUnavailableException());
        }

        public Task<ObjectOffer?> OfferAsync(string id) => Task.FromResult<ObjectOffer?>(null);
    }
}
