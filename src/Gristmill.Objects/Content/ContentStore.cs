namespace Gristmill.Objects;

/// <summary>
/// Immutable folders of files named by digest, on local disk: model packages and user assemblies. A folder appears
/// whole or not at all, and the same content is kept once.
/// </summary>
/// <param name="root">The folder that holds them.</param>
public sealed class ContentStore(string root)
{
    /// <summary>The folder that holds them.</summary>
    public string Root { get; } = root;

    /// <summary>A new empty folder to fill; <see cref="Commit"/> takes it in, otherwise the next sweep removes it.</summary>
    public string Stage() => throw new NotImplementedException();

    /// <summary>Takes a staged folder in: digests it, flushes it to disk and renames it into place.</summary>
    /// <returns>The SHA-256 over sorted relative paths and file contents, 64 hexadecimal digits, and the size in bytes.</returns>
    public (string Digest, long Bytes) Commit(string stagedFolder) => throw new NotImplementedException();

    /// <summary>The folder of a digest.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>; <see cref="ErrorCodes.Invalid"/> for a digest that is none.</exception>
    public string GetPath(string digest) => throw new NotImplementedException();

    /// <summary>Whether it is there.</summary>
    public bool Contains(string digest) => throw new NotImplementedException();
}
