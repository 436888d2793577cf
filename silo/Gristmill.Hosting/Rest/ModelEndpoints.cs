using System.Globalization;
using Gristmill.Engines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>The registry: models with their versions.</summary>
internal static class ModelEndpoints
{
    private const string Onnx = "onnx";

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/models").WithTags("Models");

        group.MapGet("/", async (IGrainFactory grains) =>
        {
            var names = await grains.GetGrain<ICatalogGrain>("models").ListAsync();
            var views = await Task.WhenAll(names.Select(name => grains.GetGrain<IModelGrain>(name).GetAsync()));
            return RestBody.Json(views.OfType<ModelView>().ToArray());
        }).Produces<ModelView[]>().WithSummary("Lists registered models with their versions.");

        group.MapGet("/{name}", async (string name, IGrainFactory grains) => RestBody.Json(await FindAsync(grains, name)))
            .Produces<ModelView>().ProducesProblem(404).WithSummary("Shows a model.");

        group.MapGet("/{name}/export", async (string name, string? format, string? version, HttpContext http, IGrainFactory grains, ModelLoader models) =>
        {
            if (format is not (null or Onnx))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"format is '{format}'.", $"Models are exported as '{Onnx}'.").With("format", format);
            }

            var model = await FindAsync(grains, name);
            var found = version is null ? model.Versions[^1] : model.Versions.FirstOrDefault(v => v.Version.ToString(CultureInfo.InvariantCulture) == version)
                ?? throw new GristmillException(ErrorCodes.NotFound, $"Model '{name}' has no version {version}; its newest is {model.Versions[^1].Version}.",
                    "Name an existing version, or none for the newest.").With("model", name);
            // Made by managed code from the package's files; off the thread that serves requests, as it reads and hashes them.
            var file = await Task.Run(() => models.ExportOnnx(found.Model), http.RequestAborted);
            return Results.Stream(file, "application/octet-stream", $"{name}-{found.Version}.{Onnx}");
        }).Produces<byte[]>(200, "application/octet-stream").ProducesProblem(400).ProducesProblem(404).ProducesProblem(422)
          .WithSummary("Exports a model as an ONNX file: 'format' is onnx, 'version' the newest unless given.");
    }

    private static async Task<ModelView> FindAsync(IGrainFactory grains, string name) =>
        await grains.GetGrain<IModelGrain>(name).GetAsync()
        ?? throw new GristmillException(ErrorCodes.NotFound, $"There is no model '{name}'.", "'mill models' lists those there are.");
}
