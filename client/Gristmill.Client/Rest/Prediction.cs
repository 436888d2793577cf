using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gristmill.Client;

/// <summary>The answer to a prediction request.</summary>
/// <param name="Model">The registered model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="Predictions">One a row, in the order of the rows.</param>
public sealed record PredictionResult(string Model, int Version, ImmutableArray<Prediction> Predictions);

/// <summary>What a model says about one row.</summary>
public sealed record Prediction
{
    /// <summary>The probability of a yes, or the predicted number; null where the model gives other columns.</summary>
    public double? Score { get; init; }

    /// <summary>The predicted class, or null: JSON as the server wrote it.</summary>
    public JsonElement? Label { get; init; }

    /// <summary>The other columns that the model gives.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Other { get; init; }
}
