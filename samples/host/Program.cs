// Gristmill inside an application that already exists: its own endpoints and grains beside ours, one process, one cluster.
using Gristmill;
using Gristmill.Hosting;

var builder = WebApplication.CreateBuilder(args);
builder.UseOrleans(silo => silo.UseGristmill(options => options.DataDirectory = builder.Configuration["data"] ?? "shop-data"));

var app = builder.Build();
app.MapGet("/", () => "The shop. Gristmill answers under /api/v1, its grains under /orleans.");
app.MapGet("/shop/models", async (IGrainFactory grains) =>
{
    // Our grains are grains like any other: call them where you call your own.
    var names = await grains.GetGrain<ICatalogGrain>("models").ListAsync();
    return names;
});
app.MapGristmill();
await app.RunAsync();
