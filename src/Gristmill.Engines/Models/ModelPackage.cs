using System.Collections.Immutable;
using System.Security.Cryptography;
using Gristmill.Engines.Models;
using Gristmill.Objects;

namespace Gristmill.Engines;

/// <summary>Writes a model package: fill <see cref="Folder"/>, then commit. Disposing without committing removes the folder.</summary>
public sealed class ModelPackage : IDisposable
{
    /// <summary>File name of the manifest.</summary>
    public const string ManifestFile = "manifest.json";

    /// <summary>File name of the fitted feature encoder.</summary>
    public const string FeaturesFile = "features.json";

    private readonly ContentStore _content;
    private bool _taken;

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
    /// <param name="manifest">The manifest; Files, and Features if an encoder is given, are filled in here.</param>
    /// <param name="encoder">The fitted encoder, or null where the model takes its columns as they are.</param>
    /// <exception cref="GristmillException">model.format for a manifest that could not be loaded again.</exception>
    public ModelRef Commit(ModelManifest manifest, FeatureEncoder? encoder = null)
    {
        if (encoder is not null)
        {
            File.WriteAllBytes(Path.Combine(Folder, FeaturesFile), encoder.Save());
            manifest = manifest with { Features = FeaturesFile };
        }

        var files = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(Folder, path).Replace(Path.DirectorySeparatorChar, '/');
            if (name != ManifestFile)
            {
                files[name] = DigestOf(path);
            }
        }

        manifest = manifest with { Files = files.ToImmutable() };
        ManifestRules.Check(manifest);
        File.WriteAllBytes(Path.Combine(Folder, ManifestFile), ManifestRules.Write(manifest));
        var (digest, bytes) = _content.Commit(Folder);
        _taken = true;
        return new ModelRef(digest, manifest.Engine, bytes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_taken && Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    internal static string DigestOf(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
