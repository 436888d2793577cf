namespace Gristmill.Worker;

/// <summary>What a user's stage method does, in digests.</summary>
/// <param name="Code">Digest of the method and all that it can reach in the user's own assemblies, 32 hexadecimal digits.</param>
/// <param name="Libraries">Other assemblies it reaches, by name, with a digest of them and of what they refer to.</param>
/// <param name="Doubt">Why the same arguments may give another result, or null.</param>
internal sealed record CodeDigest(string Code, IReadOnlyList<(string Name, string Version)> Libraries, string? Doubt);
