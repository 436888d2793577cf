namespace Gristmill;

/// <summary>What a stage does, whatever it is given; equal digests, equal doing.</summary>
/// <param name="Options">Digest of its operation and options.</param>
/// <param name="Code">Digest of the user's code that it calls, and of the libraries that this reaches; null: it calls none.</param>
public sealed record StageDigest(string Options, string? Code = null);
