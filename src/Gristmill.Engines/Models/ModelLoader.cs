using Gristmill.Engines.Models;
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
    public IPredictor Load(ModelRef model, int threads = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        var (folder, manifest) = Open(model);
        return EngineOf(manifest).Load(folder, manifest, threads);
    }

    /// <summary>Writes a package's model as an ONNX file, without loading the model (<see cref="OnnxExport"/>).</summary>
    /// <param name="model">The package.</param>
    /// <returns>The file's bytes; the caller disposes the stream.</returns>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.NotExportable"/>, saying why; <see cref="ErrorCodes.ModelFormat"/>, <see cref="ErrorCodes.NotFound"/>.
    /// </exception>
    public Stream ExportOnnx(ModelRef model)
    {
        var (folder, manifest) = Open(model);
        return EngineOf(manifest).ExportOnnx(folder, manifest);
    }

    /// <summary>Loads the fitted transforms of a package without its model.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ModelFormat"/> if it has none; <see cref="ErrorCodes.NotFound"/>.</exception>
    public FeatureEncoder LoadEncoder(ModelRef model)
    {
        var (folder, manifest) = Open(model);
        return manifest.Features is { } file
            ? FeatureEncoder.Load(File.ReadAllBytes(Path.Combine(folder, file)))
            : throw new GristmillException(ErrorCodes.ModelFormat, $"The model package of engine '{manifest.Engine}' holds no fitted transforms.",
                "Use the output of a fit stage, or a model that was trained on raw columns.");
    }

    /// <summary>Reads a package's manifest without loading the model.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ModelFormat"/>, <see cref="ErrorCodes.NotFound"/>.</exception>
    public ModelManifest ReadManifest(ModelRef model) => ReadManifest(_content.GetPath(model.Digest));

    private IModelEngine EngineOf(ModelManifest manifest) => _engines.TryGetValue(manifest.Engine, out var engine)
        ? engine
        : throw new GristmillException(ErrorCodes.ModelFormat, $"The model is of engine '{manifest.Engine}', which is not here; there are {string.Join(", ", _engines.Keys.Order(StringComparer.Ordinal))}.",
            "Add the engine's package to the host, or train the model with another engine.").With("engine", manifest.Engine);

    private static ModelManifest ReadManifest(string folder)
    {
        try
        {
            return ManifestRules.Parse(File.ReadAllBytes(Path.Combine(folder, ModelPackage.ManifestFile)));
        }
        catch (FileNotFoundException e)
        {
            throw new GristmillException(ErrorCodes.ModelFormat, $"The model package has no {ModelPackage.ManifestFile}.", "Take the package from its source again.", e);
        }
    }

    private (string Folder, ModelManifest Manifest) Open(ModelRef model)
    {
        var folder = _content.GetPath(model.Digest);
        var manifest = ReadManifest(folder);
        foreach (var (name, digest) in manifest.Files)
        {
            var path = Path.Combine(folder, name);
            var found = File.Exists(path) ? ModelPackage.DigestOf(path) : null;
            if (found != digest)
            {
                throw new GristmillException(ErrorCodes.ModelFormat,
                    found is null ? $"The model package lacks its file '{name}'." : $"The model package's file '{name}' was changed: its SHA-256 is {found}, not {digest}.",
                    "Take the package from its source again, or train the model again.").With("file", name);
            }
        }

        return (folder, manifest);
    }
}
