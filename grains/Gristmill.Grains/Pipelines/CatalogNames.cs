namespace Gristmill.Grains.Pipelines;

/// <summary>Keys of the catalogs.</summary>
internal static class CatalogNames
{
    public const string Pipelines = "pipelines";
    public const string Models = "models";
    public const string Deployments = "deployments";
}
