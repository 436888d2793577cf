using Gristmill.Objects;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>This silo's object store, for the other silos.</summary>
internal sealed class ObjectHost(GrainId id, Silo silo, ILoggerFactory loggers, ObjectStore store, ObjectServerHost server) : GrainService(id, silo, loggers), IObjectHost
{
    public Task<bool> HoldsAsync(string id) => Task.FromResult(store.Contains(id));

    // It maps the object and opens its file: some ten microseconds, unless it must come back from a disk.
    public Task<ObjectOffer?> OfferAsync(string id) => Task.Run(() => server.Value.Offer(id));
}
