using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>Deployments: what is served under which name.</summary>
internal static class DeploymentEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/deployments").WithTags("Deployments");

        group.MapPut("/{name}", async (string name, HttpContext http, IGrainFactory grains, DeploymentRouter router) =>
        {
            var spec = await RestBody.ReadAsync<DeploymentSpec>(http);
            var view = await grains.GetGrain<IDeploymentGrain>(name).DeployAsync(spec);
            // Loaded before the answer, so that a model that cannot be served is an error of the deployment, not of its first caller.
            await router.WarmAsync(view, http.RequestAborted);
            return RestBody.Json(view);
        }).Accepts<DeploymentSpec>("application/json").Produces<DeploymentView>().ProducesProblem(400).ProducesProblem(404)
          .WithSummary("Serves a model under a name, or changes what is served.");

        group.MapGet("/", (DeploymentRouter router) => RestBody.Json(router.Deployments.ToArray()))
            .Produces<DeploymentView[]>().WithSummary("Lists deployments.");

        group.MapGet("/{name}", async (string name, IGrainFactory grains) =>
            RestBody.Json(await grains.GetGrain<IDeploymentGrain>(name).GetAsync() ?? throw Missing(name)))
            .Produces<DeploymentView>().ProducesProblem(404).WithSummary("Shows a deployment.");

        group.MapDelete("/{name}", async (string name, IGrainFactory grains) =>
        {
            await grains.GetGrain<IDeploymentGrain>(name).DeleteAsync();
            return Results.NoContent();
        }).Produces(204).WithSummary("Stops serving; again changes nothing.");
    }

    internal static GristmillException Missing(string name) =>
        new(ErrorCodes.NotFound, $"There is no deployment '{name}'.", "'mill deploy MODEL --name NAME' creates one; 'mill deployments' lists those there are.");
}
