namespace Gristmill.Grains.Pipelines;

/// <summary>The catalogs, and the order in which a name and what it names are stored.</summary>
internal static class CatalogNames
{
    public const string Pipelines = "pipelines";
    public const string Models = "models";
    public const string Deployments = "deployments";

    /// <summary>
    /// Lists a name, then stores what it names: a name without a thing does no harm, a thing without a name is lost. If the
    /// store refuses a new thing, its name goes again.
    /// </summary>
    public static async Task ListAndStoreAsync(IGrainFactory grains, string catalog, string name, bool isNew, Func<Task> store)
    {
        var names = grains.GetGrain<ICatalogGrain>(catalog);
        await names.AddAsync(name);
        try
        {
            await store();
        }
        catch (GristmillException) when (isNew)
        {
            // If even this fails the name stays, and lists skip it because nothing is there.
            await names.RemoveAsync(name).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }
}
