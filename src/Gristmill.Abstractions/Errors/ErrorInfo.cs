using System.Collections.Immutable;

namespace Gristmill;

/// <summary>An error as data: what is stored with a run, returned by REST and rendered by the CLI.</summary>
/// <param name="Code">Stable dotted code, one of <see cref="ErrorCodes"/>.</param>
/// <param name="Message">What was wrong, with which value.</param>
/// <param name="Hint">What to do about it, or null.</param>
[GenerateSerializer, Immutable, Alias("gristmill.ErrorInfo")]
public sealed record ErrorInfo(
    [property: Id(0)] string Code,
    [property: Id(1)] string Message,
    [property: Id(2)] string? Hint = null)
{
    /// <summary>Machine-readable details: "file", "column", "position", "signal", "log" and the like.</summary>
    [Id(3)]
    public ImmutableDictionary<string, string> Details { get; init; } = ImmutableDictionary<string, string>.Empty;
}
