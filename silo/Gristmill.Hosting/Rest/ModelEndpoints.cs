using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>The registry: models with their versions.</summary>
internal static class ModelEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/models").WithTags("Models");

        group.MapGet("/", async (IGrainFactory grains) =>
        {
            var names = await grains.GetGrain<ICatalogGrain>("models").ListAsync();
            var views = await Task.WhenAll(names.Select(name => grains.GetGrain<IModelGrain>(name).GetAsync()));
            return RestBody.Json(views.OfType<ModelView>().ToArray());
        }).Produces<ModelView[]>().WithSummary("Lists registered models with their versions.");

        group.MapGet("/{name}", async (string name, IGrainFactory grains) =>
            RestBody.Json(await grains.GetGrain<IModelGrain>(name).GetAsync() ??
                throw new GristmillException(ErrorCodes.NotFound, $"There is no model '{name}'.", "'mill models' lists those there are.")))
            .Produces<ModelView>().ProducesProblem(404).WithSummary("Shows a model.");
    }
}
