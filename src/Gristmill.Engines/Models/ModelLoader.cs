using Gristmill.Objects;

namespace Gristmill.Engines;

/// <summary>Loads a model package with the engine its manifest names, after checking its files against their digests.</summary>
/// <param name="content">Where packages are.</param>
/// <param name="engines">The engines at hand.</param>
public sealed class ModelLoader(ContentStore content, IEnumerable<IModelEngine> engines)
{
    private readonly ContentStore _content = content;
    private readonly Dictionary<string, IModelEngine> _engines = engines.ToDictionary(e => e.Name, StringComparer.Ordinal);

    /// <summary>Loads a package.</summary>
    /// <param name="model">The package.</param>
    /// <param name="threads">Threads one prediction may use.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ModelFormat"/>, <see cref="ErrorCodes.NotFound"/>.</exception>
    public IPredictor Load(ModelRef model, int threads = 1) => throw new NotImplementedException();

    /// <summary>Reads a package's manifest without loading the model.</summary>
    public ModelManifest ReadManifest(ModelRef model) => throw new NotImplementedException();
}
