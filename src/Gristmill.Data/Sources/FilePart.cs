namespace Gristmill.Data.Sources;

/// <summary>Some rows of a file.</summary>
/// <param name="File">The file.</param>
/// <param name="From">The first.</param>
/// <param name="To">Behind the last; 0: all.</param>
internal sealed record FilePart(SourceFile File, long From, long To);
