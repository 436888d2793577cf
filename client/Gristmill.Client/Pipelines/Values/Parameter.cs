using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>A parameter of a pipeline: its value is known when a run starts.</summary>
/// <typeparam name="T">string, bool, int, long, float, double, DateOnly, DateTime or DateTimeOffset.</typeparam>
public sealed class Parameter<T> : IPipelineValue
{
    internal Parameter(PipelineBuilder owner, string name)
    {
        Owner = owner;
        Name = name;
    }

    internal PipelineBuilder Owner { get; }

    /// <summary>As in the URL or on the command line.</summary>
    public string Name { get; }

    /// <summary>It as a value.</summary>
    public Value<T> ToValue() => this;

    JsonNode IPipelineValue.ToNode() => new JsonObject { ["$param"] = Name };

    /// <inheritdoc/>
    public override string ToString() => $"${Name}";
}

/// <summary>What can stand for a value in options.</summary>
internal interface IPipelineValue
{
    JsonNode ToNode();
}
