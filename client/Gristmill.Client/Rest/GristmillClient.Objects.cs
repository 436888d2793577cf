using System.Globalization;
using System.Text;

namespace Gristmill.Client;

// What lies in the server's object store.
public sealed partial class GristmillClient
{
    /// <summary>Opens Arrow Flight to the server, where it says that it speaks it; tables go that way.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>: it does not say. Give its address to <see cref="FlightObjects"/>.</exception>
    public async Task<FlightObjects> OpenFlightAsync(CancellationToken cancellationToken = default)
    {
        var info = await GetInfoAsync(cancellationToken);
        return new FlightObjects(info.Flight ?? throw new GristmillException(ErrorCodes.NotFound, $"{Server} does not say where it speaks Arrow Flight.",
            "With TLS it is the same address; else its host opens a port for it (Gristmill:FlightPort). Give it to FlightObjects."));
    }

    /// <summary>Lists objects of the server's host.</summary>
    /// <param name="query">Owner, order and page; null: the largest.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<ObjectPage> ListObjectsAsync(ObjectQuery? query = null, CancellationToken cancellationToken = default)
    {
        query ??= new ObjectQuery();
        var path = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"objects?limit={query.Limit}"));
        foreach (var (name, value) in new[] { ("owner", query.Owner), ("order", query.Order == ObjectOrder.Created ? "created" : null), ("after", query.After) })
        {
            path.Append(string.IsNullOrEmpty(value) ? "" : $"&{name}={Escape(value)}");
        }

        return GetAsync<ObjectPage>(path.ToString(), cancellationToken);
    }

    /// <summary>Shows an object with its columns and who has it mapped.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/></exception>
    public Task<ObjectView> GetObjectAsync(string id, CancellationToken cancellationToken = default) => GetAsync<ObjectView>($"objects/{Escape(id)}", cancellationToken);

    /// <summary>The first rows of an object.</summary>
    /// <param name="id">The object.</param>
    /// <param name="rows">How many, 1 to <see cref="ObjectPreview.MaxRows"/>.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/>, <see cref="ErrorCodes.Corrupt"/>, <see cref="ErrorCodes.TypeMismatch"/>: a column has no form in JSON.</exception>
    public Task<ObjectPreview> PreviewObjectAsync(string id, int rows = 20, CancellationToken cancellationToken = default) =>
        GetAsync<ObjectPreview>(string.Create(CultureInfo.InvariantCulture, $"objects/{Escape(id)}/preview?rows={rows}"), cancellationToken);

    /// <summary>Keeps an object until it is unpinned, though its run is removed or its retention ends.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/>, <see cref="ErrorCodes.Corrupt"/>, <see cref="ErrorCodes.StoreFull"/></exception>
    public Task<ObjectView> PinObjectAsync(string id, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<ObjectView>(HttpMethod.Put, $"objects/{Escape(id)}/pin", null, true, cancellationToken);

    /// <summary>Takes an object's pin back: from then on it goes when nobody needs it.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/></exception>
    public Task<ObjectView> UnpinObjectAsync(string id, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<ObjectView>(HttpMethod.Delete, $"objects/{Escape(id)}/pin", null, true, cancellationToken);

    /// <summary>Removes objects that nobody needs: no run of theirs is left, no cached result refers to them, and nobody has them mapped.</summary>
    /// <param name="olderThan">Only such as were sealed so long ago, in whole seconds; null: an hour.</param>
    /// <param name="dryRun">Only tells what would go.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<ObjectGc> CollectObjectsAsync(TimeSpan? olderThan = null, bool dryRun = false, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<ObjectGc>(HttpMethod.Post,
            string.Create(CultureInfo.InvariantCulture, $"objects/gc?dryRun={(dryRun ? "true" : "false")}{(olderThan is { } age ? $"&olderThan={(long)age.TotalSeconds}" : "")}"), null, true, cancellationToken);
}
