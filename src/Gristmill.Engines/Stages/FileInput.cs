namespace Gristmill.Engines;

/// <summary>A file as a user's stage method gets it.</summary>
/// <param name="reference">The file.</param>
/// <param name="path">Where it lies on this host; read-only.</param>
public sealed class FileInput(FileRef reference, string path)
{
    /// <summary>The file.</summary>
    public FileRef Ref { get; } = reference;

    /// <summary>Where it lies on this host; read-only.</summary>
    public string Path { get; } = path;

    /// <summary>Its name, without a folder.</summary>
    public string Name => Ref.Name;

    /// <summary>Opens it to read.</summary>
    public FileStream Open() => File.OpenRead(Path);

    /// <summary>Reads it as a text in UTF-8.</summary>
    public string ReadText() => File.ReadAllText(Path);
}
