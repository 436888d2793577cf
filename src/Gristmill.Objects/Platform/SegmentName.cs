namespace Gristmill.Objects.Platform;

/// <summary>The names of a segment.</summary>
/// <param name="Id">The object's id.</param>
/// <param name="Building">The file while it is being written, a name that nobody else uses.</param>
/// <param name="Sealed">The file when it is whole.</param>
internal readonly record struct SegmentName(string Id, string Building, string Sealed);
