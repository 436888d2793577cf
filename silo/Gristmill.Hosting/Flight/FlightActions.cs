using System.Text;
using System.Text.Json;
using Gristmill.Flight;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>What DoAction does.</summary>
internal sealed class FlightActions(ObjectStore store, FlightSql sql)
{
    public const string Drop = "drop", Pin = "pin", Unpin = "unpin";

    /// <summary>All there are, with what each takes and gives.</summary>
    public static IReadOnlyList<(string Type, string Description)> All { get; } =
    [
        (Drop, "Removes an object that came by Flight. Body: its id."),
        (Pin, "Keeps an object until it is unpinned. Body: its id. Result: the object, as REST shows it."),
        (Unpin, "Takes an object's pin back. Body: its id. Result: the object, as REST shows it."),
        (FlightSql.CreatePrepared, "Prepares a query, by Flight SQL."),
        (FlightSql.ClosePrepared, "Forgets a prepared query, by Flight SQL."),
    ];

    /// <summary>Does it.</summary>
    /// <returns>The result's bytes; null: none.</returns>
    public async Task<byte[]?> RunAsync(FlightAction action, CancellationToken cancellationToken)
    {
        switch (action.Type)
        {
            case Drop:
                var doomed = Find(action);
                if (store.Describe(doomed).Owner is var owner && !ObjectEndpoints.Belongs(owner, FlightQueries.Owner))
                {
                    throw new GristmillException(ErrorCodes.Conflict, $"Object {doomed.Id} belongs to {owner ?? "nobody known"}, not to Flight.", "Remove its run, or let 'mill objects gc' remove it.").With("object", doomed.Id);
                }

                store.Delete(doomed.Id);
                return null;
            case Pin:
                store.Pin(Find(action).Id);
                return View(action);
            case Unpin:
                store.Unpin(Find(action).Id);
                return View(action);
            case FlightSql.CreatePrepared:
                return await sql.PrepareAsync(action.Body, cancellationToken);
            case FlightSql.ClosePrepared:
                return null; // nothing is kept of it
            default:
                throw new GristmillException(ErrorCodes.Method, $"There is no action '{(action.Type.Length > 64 ? action.Type[..64] + "..." : action.Type)}'.", $"There are {string.Join(", ", All.Select(static known => known.Type))}.");
        }
    }

    private StoredObject Find(FlightAction action) => ObjectEndpoints.Find(store, Encoding.UTF8.GetString(action.Body));

    private byte[] View(FlightAction action) => JsonSerializer.SerializeToUtf8Bytes(ObjectViews.Whole(store, Find(action)), GristmillJson.Options);
}
