using System.Globalization;
using Gristmill.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>What lies in this silo's object store.</summary>
internal static class ObjectEndpoints
{
    private const int Skipped = 100;
    private const long DefaultSeconds = 3600, MostSeconds = 100L * 365 * 24 * 3600;

    private static readonly QueryParameter[] s_list =
    [
        new("owner", "Only what a run, RUN/STAGE or another maker made."),
        new("order", "bytes: the largest first, as without; created: the newest first."),
        QueryParameter.Number("limit", 1, ObjectQuery.MaxLimit, "The most objects of a page, 100 without."),
        new("after", "The 'next' of the page before."),
    ];

    private static readonly QueryParameter[] s_preview = [QueryParameter.Number("rows", 1, ObjectPreview.MaxRows, "The most rows, 20 without.")];

    private static readonly QueryParameter[] s_collect =
    [
        QueryParameter.Number("olderThan", 0, MostSeconds, "Only objects older than so many seconds, 3600 without."),
        new("dryRun", "true: only tells what would go."),
    ];

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/objects").WithTags("Objects");

        group.MapGet("/", (HttpContext http, ObjectStore store) =>
        {
            var values = new QueryValues(http, s_list);
            return RestBody.Json(List(store, new ObjectQuery
            {
                Owner = values.Text("owner"),
                Order = Order(values.Text("order")),
                Limit = values.Int32("limit") ?? 100,
                After = values.Text("after"),
            }));
        }).Produces<ObjectPage>().ProducesProblem(400).WithQuery(s_list)
          .WithSummary("Lists what lies in this silo's object store, the largest first or by 'order' created the newest; 'owner' is a run, RUN/STAGE or another maker, 'after' the 'next' of the page before.");

        group.MapGet("/{id}", (string id, ObjectStore store) => RestBody.Json(ObjectViews.Whole(store, Find(store, id))))
            .Produces<ObjectView>().ProducesProblem(404).WithSummary("Shows an object with its columns and who has it mapped.");

        group.MapGet("/{id}/preview", async (string id, HttpContext http, ObjectStore store, ObjectFetcher fetcher) =>
        {
            var rows = new QueryValues(http, s_preview).Int32("rows") ?? 20;
            await fetcher.TryFetchAsync(id, http.RequestAborted);
            return RestBody.Json(ObjectPreviews.Read(store, Find(store, id).Id, rows));
        }).Produces<ObjectPreview>().ProducesProblem(400).ProducesProblem(404).WithQuery(s_preview).WithSummary("The first rows of an object, 20 unless 'rows' says otherwise. One that lies on another host is brought here.");

        group.MapPut("/{id}/pin", (string id, ObjectStore store) =>
        {
            store.Pin(Find(store, id).Id);
            return RestBody.Json(ObjectViews.Whole(store, Find(store, id)));
        }).Produces<ObjectView>().ProducesProblem(404).ProducesProblem(507)
          .WithSummary("Keeps an object, though its run is removed or its retention ends, until it is unpinned.");

        group.MapDelete("/{id}/pin", (string id, ObjectStore store) =>
        {
            store.Unpin(Find(store, id).Id);
            return RestBody.Json(ObjectViews.Whole(store, Find(store, id)));
        }).Produces<ObjectView>().ProducesProblem(404)
          .WithSummary("Takes an object's pin back: from then on it goes when nobody needs it. One that is not pinned stays as it is.");

        group.MapPost("/gc", async (HttpContext http, ObjectCollector collector) =>
        {
            var values = new QueryValues(http, s_collect);
            var (age, dryRun) = (values.Int64("olderThan"), values.Text("dryRun"));
            if (dryRun is not (null or "true" or "false"))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"dryRun is '{dryRun}'.", "Use true or false.").With("name", "dryRun");
            }

            if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
            {
                // Somebody's dry run that is not heard would be none.
                throw new GristmillException(ErrorCodes.Invalid, "The request has a body.", "What it asks for stands in the address: ?olderThan=SECONDS&dryRun=true.");
            }

            return RestBody.Json(await collector.CollectAsync(TimeSpan.FromSeconds(age ?? DefaultSeconds), dryRun == "true", http.RequestAborted));
        }).Produces<ObjectGc>().ProducesProblem(400).WithQuery(s_collect)
          .WithSummary("Removes objects of which no run is left, that no cached result refers to, that nobody has mapped and that are older than 'olderThan' seconds (3600); and what dead writers left. With 'dryRun' true it only tells what would go.");
    }

    private static ObjectPage List(ObjectStore store, ObjectQuery query)
    {
        var all = store.Scan();
        var found = all.Objects.Where(item => query.Owner is not { } owner || Belongs(store.Describe(item).Owner, owner))
            .Select(item => (Key: query.Order == ObjectOrder.Bytes ? item.Bytes : item.Modified.UtcTicks, Item: item)).ToList();
        var after = Position(query.After);
        var page = found.Where(entry => after is not { } at || entry.Key < at.Key || (entry.Key == at.Key && string.CompareOrdinal(entry.Item.Id, at.Id) > 0))
            .OrderByDescending(static entry => entry.Key).ThenBy(static entry => entry.Item.Id, StringComparer.Ordinal).Take(query.Limit + 1).ToList();
        return new ObjectPage
        {
            Objects = [.. page.Take(query.Limit).Select(entry => ObjectViews.Of(store, entry.Item, store.Describe(entry.Item)))],
            Next = page.Count > query.Limit ? string.Create(CultureInfo.InvariantCulture, $"{page[^2].Key}-{page[^2].Item.Id}") : null,
            Count = found.Count,
            Bytes = found.Sum(static entry => entry.Item.Bytes),
            SpilledBytes = found.Where(static entry => entry.Item.IsSpilled).Sum(static entry => entry.Item.Bytes),
            Capacity = store.CapacityBytes,
            Host = store.Options.Host,
            Skipped = [.. all.Skipped.Take(Skipped).Select(static file => new SkippedObjectFile(file.Name, file.Reason))],
        };
    }

    /// <summary>Whether what an owner made belongs to another: it is that owner, or one of its parts.</summary>
    internal static bool Belongs(string? owner, string wanted) =>
        owner is not null && owner.StartsWith(wanted, StringComparison.Ordinal) && (owner.Length == wanted.Length || owner[wanted.Length] == '/');

    private static (long Key, string Id)? Position(string? after) => after?.Split('-') switch
    {
        null => null,
        [var key, { Length: 32 } id] when long.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => (number, id),
        _ => throw new GristmillException(ErrorCodes.Invalid, $"after is '{after}'.", "Use the 'next' of the page before.").With("name", "after"),
    };

    private static ObjectOrder Order(string? text) =>
        text is null ? ObjectOrder.Bytes
        : Enum.TryParse<ObjectOrder>(text, ignoreCase: true, out var order) && !char.IsAsciiDigit(text[0]) ? order
        : throw new GristmillException(ErrorCodes.Invalid, $"order is '{text}'.", "Use bytes or created.").With("name", "order");

    /// <summary>An object by its id.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/></exception>
    internal static StoredObject Find(ObjectStore store, string id) => store.Find(id) ?? throw new GristmillException(
        ErrorCodes.ObjectNotFound, $"There is no object '{(id.Length > 64 ? id[..64] + "..." : id)}' in this silo's store.", "'mill objects' lists those there are.").With("object", id);
}
