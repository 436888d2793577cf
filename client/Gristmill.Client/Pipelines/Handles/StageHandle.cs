namespace Gristmill;

/// <summary>An output of a stage that will exist when a run gets there. Pass it on to say what the next stage takes.</summary>
public abstract class StageHandle
{
    private protected StageHandle(StageNode node, string output)
    {
        Node = node;
        Output = output;
    }

    internal StageNode Node { get; }

    /// <summary>The output's name within its stage.</summary>
    public string Output { get; }

    /// <summary>The variable that holds this handle where it is used names its stage, unless it has a name.</summary>
    internal void Suggest(string? expression)
    {
        if (Node is { SingleOutput: true, Hint: null } && NameRules.AsIdentifier(expression) is { } identifier)
        {
            Node.Hint = identifier;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Node.Label}.{Output}";
}
