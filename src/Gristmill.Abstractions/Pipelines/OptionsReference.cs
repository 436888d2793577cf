namespace Gristmill;

/// <summary>A placeholder in a stage's options or in a condition. One of <see cref="Parameter"/>, <see cref="Stage"/>, <see cref="Loop"/> and <see cref="Secret"/> is set.</summary>
/// <param name="Parameter">The parameter's name, or null.</param>
/// <param name="Stage">The stage's name, or null.</param>
/// <param name="Metric">The stage's metric, or null.</param>
public sealed record OptionsReference(string? Parameter = null, string? Stage = null, string? Metric = null)
{
    /// <summary>The stage's output that holds a value, or null.</summary>
    public string? Output { get; init; }

    /// <summary>The loop whose item it is, or null.</summary>
    public string? Loop { get; init; }

    /// <summary>A member of the item, names divided by dots; null: the whole item.</summary>
    public string? Path { get; init; }

    /// <summary>Whether it is the item's number, from 0, in place of the item.</summary>
    public bool IsIndex { get; init; }

    /// <summary>A secret's name, or null.</summary>
    public string? Secret { get; init; }
}
