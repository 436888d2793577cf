namespace Gristmill.Grains.State;

/// <summary>Names that hosting configures and grains use.</summary>
internal static class StorageNames
{
    /// <summary>The grain storage of all grains here.</summary>
    public const string Gristmill = "gristmill";
}
