namespace Gristmill.Objects;

/// <summary>
/// What makes objects: "RUN/STAGE" for a stage of a run, else a name without a slash, such as "predict". It is kept in the object's footer, and found
/// by the flow of execution, through awaits, tasks, threads and parallel loops, when <see cref="ObjectStore.Create"/> is called.
/// </summary>
public static class ObjectOwner
{
    /// <summary>The most characters an owner has.</summary>
    public const int MaxLength = 512;

    private static readonly AsyncLocal<string?> s_current = new();

    /// <summary>Who owns the objects that are created here; null: unknown.</summary>
    public static string? Current => s_current.Value;

    /// <summary>The owner that a stage of a run is.</summary>
    public static string OfStage(string run, string stage) => $"{run}/{stage}";

    /// <summary>The run of an owner; null if it is none.</summary>
    public static string? RunOf(string? owner) => owner?.Split('/', 2) is [{ Length: > 0 } run, _] ? run : null;

    /// <summary>Whether a text may be an owner: 1 to <see cref="MaxLength"/> characters, none of which controls a terminal.</summary>
    public static bool IsValid(string owner) => owner is { Length: > 0 and <= MaxLength } && !owner.Any(char.IsControl);

    /// <summary>Makes all objects created from here on belong to an owner, until the result is disposed of.</summary>
    /// <exception cref="ArgumentException">It is not <see cref="IsValid"/>.</exception>
    public static IDisposable Use(string owner)
    {
        if (!IsValid(owner))
        {
            throw new ArgumentException($"An owner has 1 to {MaxLength} characters, none of which is a control character.", nameof(owner));
        }

        var scope = new Scope(s_current.Value);
        s_current.Value = owner;
        return scope;
    }

    private sealed class Scope(string? before) : IDisposable
    {
        public void Dispose() => s_current.Value = before;
    }
}
