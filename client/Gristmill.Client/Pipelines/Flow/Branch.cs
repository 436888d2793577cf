namespace Gristmill;

/// <summary>What <see cref="PipelineBuilder.If(Condition, Action)"/> returns, to go on with <c>ElseIf</c> and <c>Else</c>.</summary>
public sealed class Branch
{
    private readonly PipelineBuilder _pipeline;
    private Condition _otherwise;

    internal Branch(PipelineBuilder pipeline, Condition condition)
    {
        _pipeline = pipeline;
        _otherwise = !condition;
    }

    /// <summary>Adds stages that run if no condition before holds and this one does.</summary>
    public Branch ElseIf(Condition condition, Action then)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(then);
        _pipeline.Within(_otherwise & condition, then);
        _otherwise &= !condition;
        return this;
    }

    /// <summary>Adds stages that run if no condition before holds.</summary>
    public void Else(Action then)
    {
        ArgumentNullException.ThrowIfNull(then);
        _pipeline.Within(_otherwise, then);
    }
}

/// <summary>Branches that each make something; <see cref="Else"/> joins them.</summary>
/// <typeparam name="T">The handle of what they make.</typeparam>
public sealed class Branch<T> where T : StageHandle
{
    private readonly PipelineBuilder _pipeline;
    private readonly List<T> _made = [];
    private Condition _otherwise;

    internal Branch(PipelineBuilder pipeline, Condition condition, Func<T> then)
    {
        _pipeline = pipeline;
        _otherwise = !condition;
        Add(condition, then);
    }

    /// <summary>Adds a branch that runs if no condition before holds and this one does.</summary>
    public Branch<T> ElseIf(Condition condition, Func<T> then)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(then);
        Add(_otherwise & condition, then);
        _otherwise &= !condition;
        return this;
    }

    /// <summary>Adds the last branch and joins them all: what the one that ran made.</summary>
    public T Else(Func<T> then)
    {
        ArgumentNullException.ThrowIfNull(then);
        Add(_otherwise, then);
        return _pipeline.Join([.. _made]);
    }

    /// <summary>Joins the branches: what the one that ran made. If none ran, what uses it is skipped.</summary>
    public T End() => _pipeline.Join([.. _made]);

    private void Add(Condition condition, Func<T> then) => _pipeline.Within(condition, () => _made.Add(then() ?? throw new GristmillException(
        ErrorCodes.Invalid, "A branch returned null.", "Return the handle of what it makes.")));
}
