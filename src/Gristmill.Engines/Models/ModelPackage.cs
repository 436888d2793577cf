using Gristmill.Objects;

namespace Gristmill.Engines;

/// <summary>Writes a model package: fill <see cref="Folder"/>, then commit.</summary>
public sealed class ModelPackage
{
    private readonly ContentStore _content;

    private ModelPackage(ContentStore content, string folder)
    {
        _content = content;
        Folder = folder;
    }

    /// <summary>The staged folder.</summary>
    public string Folder { get; }

    /// <summary>Starts a package.</summary>
    public static ModelPackage Create(ContentStore content) => new(content, content.Stage());

    /// <summary>Writes the encoder's features.json if given, then manifest.json with the digests of all files, and takes the package in.</summary>
    public ModelRef Commit(ModelManifest manifest, FeatureEncoder? encoder = null) => throw new NotImplementedException();
}
