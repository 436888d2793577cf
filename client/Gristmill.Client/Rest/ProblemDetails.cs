using System.Collections.Immutable;

namespace Gristmill.Client;

/// <summary>An error as HTTP carries it (RFC 9457), with our members.</summary>
internal sealed record ProblemDetails
{
    public string? Title { get; init; }
    public int? Status { get; init; }
    public string? Detail { get; init; }
    public string? Code { get; init; }
    public string? Hint { get; init; }
    public ImmutableDictionary<string, string>? Details { get; init; }
}

/// <summary>The answer to a start.</summary>
internal sealed record RunStarted(string Id);
