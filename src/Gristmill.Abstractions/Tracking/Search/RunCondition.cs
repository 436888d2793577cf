using System.Collections.Immutable;

namespace Gristmill;

/// <summary>A condition on runs, as <see cref="RunFilter.Parse"/> reads it; a store translates it.</summary>
public abstract record RunCondition;

/// <summary>All of them hold.</summary>
/// <param name="Terms">At least two.</param>
public sealed record AllOf(ImmutableArray<RunCondition> Terms) : RunCondition;

/// <summary>One of them holds.</summary>
/// <param name="Terms">At least two.</param>
public sealed record AnyOf(ImmutableArray<RunCondition> Terms) : RunCondition;

/// <summary>It does not hold.</summary>
/// <param name="Term">What does not hold.</param>
public sealed record NotTrue(RunCondition Term) : RunCondition;

/// <summary>How a field is compared.</summary>
public enum RunComparison
{
    /// <summary>=</summary>
    Equal = 0,
    /// <summary>!=</summary>
    NotEqual = 1,
    /// <summary>&lt;</summary>
    Less = 2,
    /// <summary>&lt;=</summary>
    LessOrEqual = 3,
    /// <summary>&gt;</summary>
    Greater = 4,
    /// <summary>&gt;=</summary>
    GreaterOrEqual = 5,
    /// <summary>LIKE, upper and lower case differ; % stands for any text, _ for one character.</summary>
    Like = 6,
    /// <summary>ILIKE, as LIKE with upper and lower case the same (A to Z).</summary>
    LikeIgnoringCase = 7,
    /// <summary>IN: one of the values.</summary>
    In = 8,
    /// <summary>IS NULL: the run has none of it. IS NOT NULL is its opposite.</summary>
    Missing = 9,
}

/// <summary>A field compared with a value; it does not hold for a run that lacks the field, but for <see cref="RunComparison.Missing"/>.</summary>
/// <param name="Field">The field.</param>
/// <param name="Comparison">How.</param>
/// <param name="Values">Texts (string) or numbers (double): several for IN, none for IS NULL, otherwise one. An instant is a number of milliseconds since 1970, a status its number.</param>
public sealed record RunTerm(RunField Field, RunComparison Comparison, ImmutableArray<object> Values) : RunCondition;
