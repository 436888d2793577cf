namespace Gristmill.Objects;

/// <summary>What lies in a store's folder.</summary>
/// <param name="Objects">Sealed segments and such as are being written, in no order.</param>
/// <param name="Skipped">Files that are none.</param>
public sealed record StoreListing(IReadOnlyList<StoredObject> Objects, IReadOnlyList<SkippedFile> Skipped);

/// <summary>A file of the folder that is no object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Reason">Why it is none.</param>
public sealed record SkippedFile(string Name, string Reason);
