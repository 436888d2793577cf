using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Orleans.Dashboard;

namespace Gristmill.Hosting;

/// <summary>
/// The Orleans dashboard, mapped at the first request for it: mapping reads and compresses 16 MB of its assets and keeps
/// both forms, 50 MB of memory and half a second of start for pages that most silos are never asked for.
/// </summary>
internal static class DashboardEndpoint
{
    /// <summary>Maps the dashboard and everything below it.</summary>
    /// <param name="app">The application; its services hold the dashboard's.</param>
    /// <param name="prefix">The path of the dashboard, such as "/orleans".</param>
    public static void Map(WebApplication app, string prefix)
    {
        var pages = new Lazy<RequestDelegate>(() => Build(app.Services, prefix));
        app.Map(prefix + "/{**path}", http =>
        {
            // The inner routing leaves alone a request that has an endpoint already.
            http.SetEndpoint(null);
            return pages.Value(http);
        }).ExcludeFromDescription();
    }

    private static RequestDelegate Build(IServiceProvider services, string prefix)
    {
        var inner = new ApplicationBuilder(services);
        inner.UseRouting();
        // What is mapped here joins the application's endpoints: the OpenAPI document is to stay the same before and after.
        inner.UseEndpoints(endpoints => endpoints.MapOrleansDashboard(prefix).ExcludeFromDescription());
        return inner.Build();
    }
}
