namespace Gristmill.Data.Rows;

/// <summary>What is done with a row.</summary>
internal enum RowStepKind
{
    Map,
    Where,
}

/// <summary>A function of a row.</summary>
/// <param name="Kind">What becomes of its result.</param>
/// <param name="Function">A Func of a row.</param>
/// <param name="Output">Type of the rows after it.</param>
internal sealed record RowStep(RowStepKind Kind, Delegate Function, Type Output);

/// <summary>Functions of rows, one behind the other, where each takes what the one before gives: they are done row by row, with no columns between.</summary>
internal sealed record RowChain(Type Input, IReadOnlyList<RowStep> Steps)
{
    public Type Output => Steps.Count == 0 ? Input : Steps[^1].Output;

    public RowChain Add(RowStep step) => this with { Steps = [.. Steps, step] };

    /// <summary>A step as people call it.</summary>
    public string Name(int step)
    {
        var before = step == 0 ? Input : Steps[step - 1].Output;
        return Steps[step].Kind == RowStepKind.Where ? $"where of {Name(before)}" : $"map of {Name(before)} to {Name(Steps[step].Output)}";
    }

    public string Describe() => Steps.Count == 0 ? $"rows of {Name(Input)}" : string.Join(", ", Enumerable.Range(0, Steps.Count).Select(Name));

    public static string Name(Type type) =>
        Nullable.GetUnderlyingType(type) is { } value ? $"{Name(value)}?"
        : type.Name.StartsWith("<>", StringComparison.Ordinal) ? "a row without a name"
        : type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GenericTypeArguments.Select(Name))}>"
        : type.Name;
}
