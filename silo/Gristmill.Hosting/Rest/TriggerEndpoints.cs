using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>Triggers: add, list, show, pause, resume, fire, remove, and their history.</summary>
internal static class TriggerEndpoints
{
    private const int MaxPage = 200;

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/triggers").WithTags("Triggers");

        group.MapPut("/{name}", async (string name, HttpContext http, IGrainFactory grains) =>
        {
            var spec = await RestBody.ReadAsync<TriggerSpec>(http);
            if (spec.Name != name)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The spec is named '{spec.Name}', the address '{name}'.", "Use one name.");
            }

            GristmillName.Require(name, "trigger");
            var onlyNew = http.Request.Headers.IfNoneMatch.ToString() == "*";
            return RestBody.Json(await Trigger(grains, name).PutAsync(spec, onlyNew));
        }).Accepts<TriggerSpec>("application/json").Produces<TriggerView>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(409)
          .WithSummary("Makes or changes a trigger; the same spec again changes nothing. With If-None-Match: * an existing one is not changed.");

        group.MapGet("/", async (string? pipeline, int? limit, string? after, IGrainFactory grains) =>
        {
            var count = limit ?? 50;
            if (count is < 1 or > MaxPage)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"limit is {count}.", $"Use 1 to {MaxPage}, and 'after' to page.");
            }

            var shards = await Task.WhenAll(Enumerable.Range(0, ITriggerDirectoryGrain.ShardCount)
                .Select(shard => grains.GetGrain<ITriggerDirectoryGrain>(shard).ListAsync(pipeline, after, count)));
            var names = shards.SelectMany(shard => shard).Order(StringComparer.Ordinal).Take(count);
            var views = await Task.WhenAll(names.Select(name => Trigger(grains, name).GetAsync()));
            return RestBody.Json(views.OfType<TriggerView>().ToArray());
        }).Produces<TriggerView[]>().WithSummary("Lists triggers by name; page with 'after'.");

        group.MapGet("/{name}", async (string name, IGrainFactory grains) => RestBody.Json(await Trigger(grains, name).GetAsync() ?? throw Missing(name)))
            .Produces<TriggerView>().ProducesProblem(404).WithSummary("Shows a trigger with its next time and newest firing.");

        group.MapDelete("/{name}", async (string name, IGrainFactory grains) =>
        {
            await Trigger(grains, name).RemoveAsync();
            return Results.NoContent();
        }).Produces(204).ProducesProblem(409).WithSummary("Removes a trigger with its history; its runs stay.");

        group.MapPost("/{name}/pause", async (string name, IGrainFactory grains) => RestBody.Json(await Trigger(grains, name).PauseAsync()))
            .Produces<TriggerView>().ProducesProblem(404).WithSummary("Fires nothing until resumed, also after a restart.");

        group.MapPost("/{name}/resume", async (string name, IGrainFactory grains) => RestBody.Json(await Trigger(grains, name).ResumeAsync()))
            .Produces<TriggerView>().ProducesProblem(404).WithSummary("Fires again; times in between are not made up for.");

        group.MapPost("/{name}/fire", async (string name, HttpContext http, IGrainFactory grains) =>
        {
            var request = http.Request.ContentLength is null or 0 ? new TriggerFireRequest() : await RestBody.ReadAsync<TriggerFireRequest>(http);
            if (http.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 } key)
            {
                request = request with { IdempotencyKey = key };
            }

            return RestBody.Json(await Trigger(grains, name).FireAsync(request), StatusCodes.Status202Accepted);
        }).Accepts<TriggerFireRequest>("application/json").Produces<TriggerFiring>(202).ProducesProblem(400).ProducesProblem(404)
          .WithSummary("Fires now, also while paused. The header Idempotency-Key makes a repeated request harmless.");

        group.MapGet("/{name}/firings", async (string name, int? limit, long? before, IGrainFactory grains) =>
            RestBody.Json(await Trigger(grains, name).ListFiringsAsync(limit ?? 50, before ?? 0)))
            .Produces<TriggerFiring[]>().ProducesProblem(404).WithSummary("A trigger's firings, newest first; page with 'before' and a number.");
    }

    private static ITriggerGrain Trigger(IGrainFactory grains, string name) => grains.GetGrain<ITriggerGrain>(name);

    private static GristmillException Missing(string name) =>
        new(ErrorCodes.NotFound, $"There is no trigger '{name}'.", "'mill trigger list' shows those there are.");
}
