using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>
/// A secret that a stage of your own code is given as a text. The pipeline holds its name alone: the silo looks it up right
/// before each attempt, and takes it out of what the stage logs and of its errors.
/// </summary>
public sealed class Secret : IPipelineValue
{
    internal Secret(string name) => Name = name;

    /// <summary>Its name: GRISTMILL_SECRET_NAME in the silo's environment (upper case, '_' for '-' and '.'), or the file NAME in the folder "secrets" of its data folder.</summary>
    public string Name { get; }

    JsonNode IPipelineValue.ToNode() => new JsonObject { ["$secret"] = Name };

    /// <inheritdoc/>
    public override string ToString() => $"secret {Name}";
}
