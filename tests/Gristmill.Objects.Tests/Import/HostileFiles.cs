namespace Gristmill.Objects.Import;

/// <summary>
/// Files that no writer writes, each made in code: what the fuzzers of Arrow's libraries have found over the years, and what attackers would
/// try; and odd ones that are to be read. Fuzzing starts from the latter.
/// </summary>
internal static partial class HostileFiles
{
    /// <param name="Name">What is wrong with it.</param>
    /// <param name="Bytes">Makes it.</param>
    /// <param name="Says">What the error says, or null if it is to be read.</param>
    internal sealed record Hostile(string Name, Func<byte[]> Bytes, string? Says)
    {
        /// <summary>The error's code.</summary>
        public string Code { get; init; } = ErrorCodes.Corrupt;
    }

    public static IEnumerable<Hostile> All() => [.. Messages(), .. Values(), .. Schemas(), .. Dictionaries(), .. Compression(), .. Framing(), .. Odd()];
}
