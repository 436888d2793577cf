namespace Gristmill.Engines;

/// <summary>A model package as a user's stage method gets it.</summary>
/// <param name="reference">The package.</param>
/// <param name="folder">Its folder, read-only.</param>
/// <param name="loader">Loads it.</param>
public sealed class ModelInput(ModelRef reference, string folder, ModelLoader loader)
{
    /// <summary>The package.</summary>
    public ModelRef Ref { get; } = reference;

    /// <summary>The package's folder in the content store; read-only.</summary>
    public string Folder { get; } = folder;

    /// <summary>What the model takes and gives.</summary>
    public ModelManifest Manifest => loader.ReadManifest(Ref);

    /// <summary>Loads the model; the caller disposes it.</summary>
    /// <param name="threads">Threads one prediction may use.</param>
    public IPredictor Load(int threads = 1) => loader.Load(Ref, threads);
}
