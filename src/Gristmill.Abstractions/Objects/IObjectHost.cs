using Orleans.Services;

namespace Gristmill;

/// <summary>The object store of one silo, as the others see it.</summary>
[Alias("gristmill.IObjectHost")]
public interface IObjectHost : IGrainService
{
    /// <summary>Whether an object lies there.</summary>
    [Alias("Holds")]
    Task<bool> HoldsAsync(string id);

    /// <summary>Offers an object to another host; null if it is not there (any more).</summary>
    [Alias("Offer")]
    Task<ObjectOffer?> OfferAsync(string id);
}
