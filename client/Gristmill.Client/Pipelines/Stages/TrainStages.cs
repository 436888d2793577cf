using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>
/// The built-in trainers. Each takes every column but the label: numbers as they are, text as categories; say otherwise with
/// <c>exclude</c>, <c>categorical</c>, or a whole plan in <c>features</c>. Arguments left out have the trainer's defaults.
/// </summary>
public sealed class TrainStages
{
    private readonly PipelineBuilder _pipeline;

    internal TrainStages(PipelineBuilder pipeline) => _pipeline = pipeline;

    /// <summary>Trains gradient-boosted trees with LightGBM (native library, no copy of the features).</summary>
    /// <param name="rows">Training rows.</param>
    /// <param name="label">The column to predict: a number, a boolean, or text for classes.</param>
    /// <param name="categorical">Columns to take as categories whatever their type; text is anyway.</param>
    /// <param name="exclude">Columns not to use.</param>
    /// <param name="features">What becomes of which column. Default: numbers imputed, text as categories.</param>
    /// <param name="iterations">Trees to boost. Default 100.</param>
    /// <param name="leaves">Leaves a tree. Default 31.</param>
    /// <param name="learningRate">Shrinkage of each tree. Default 0.1.</param>
    /// <param name="minDataInLeaf">Rows a leaf must hold. Default 20.</param>
    /// <param name="featureFraction">Share of the features each tree sees. Default 1.</param>
    /// <param name="baggingFraction">Share of the rows each tree sees. Default 1.</param>
    /// <param name="lambdaL1">L1 regularisation. Default 0.</param>
    /// <param name="lambdaL2">L2 regularisation. Default 0.</param>
    /// <param name="maxBin">Most bins a feature's values go into. Default 255.</param>
    /// <param name="validation">Rows to watch for early stopping; null: none, or a share of <paramref name="rows"/>.</param>
    /// <param name="validationFraction">Share of the training rows drawn for validation where there is no <paramref name="validation"/>.</param>
    /// <param name="earlyStopping">Stops when the validation loss has not fallen for so many iterations. Default: never.</param>
    /// <param name="mergeEqualRows">
    /// Whether training rows that are equal in every feature and the label become one of their number's weight, where that halves them: the
    /// same sums for less work. Default true.
    /// </param>
    /// <param name="seed">Seed of everything random. Default 1.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    public Model LightGbm(Table rows, string label, IReadOnlyCollection<string>? categorical = null, IReadOnlyCollection<string>? exclude = null,
        Features? features = null, Value<int>? iterations = null, Value<int>? leaves = null, Value<double>? learningRate = null,
        Value<int>? minDataInLeaf = null, Value<double>? featureFraction = null, Value<double>? baggingFraction = null,
        Value<double>? lambdaL1 = null, Value<double>? lambdaL2 = null, Value<int>? maxBin = null, Table? validation = null,
        Value<double>? validationFraction = null, Value<int>? earlyStopping = null, Value<bool>? mergeEqualRows = null, Value<int>? seed = null,
        [CallerArgumentExpression(nameof(rows))] string? rowsName = null) =>
        Add(StageOperations.TrainLightGbm, "lightgbm", rows, validation, rowsName, () => Common(label, categorical, exclude, features)
            .Set("iterations", iterations).Set("leaves", leaves).Set("learningRate", learningRate).Set("minDataInLeaf", minDataInLeaf)
            .Set("featureFraction", featureFraction).Set("baggingFraction", baggingFraction).Set("lambdaL1", lambdaL1)
            .Set("lambdaL2", lambdaL2).Set("maxBin", maxBin).Set("validationFraction", validationFraction)
            .Set("earlyStopping", earlyStopping).Set("mergeEqualRows", mergeEqualRows).Set("seed", seed));

    /// <summary>Trains gradient-boosted trees with ML.NET's FastTree.</summary>
    /// <param name="rows">Training rows.</param>
    /// <param name="label">The column to predict: a number, a boolean, or text for classes.</param>
    /// <param name="categorical">Columns to take as categories whatever their type; text is anyway.</param>
    /// <param name="exclude">Columns not to use.</param>
    /// <param name="features">What becomes of which column. Default: numbers imputed, text as categories.</param>
    /// <param name="seed">Seed of everything random. Default 1.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    public Model FastTree(Table rows, string label, IReadOnlyCollection<string>? categorical = null, IReadOnlyCollection<string>? exclude = null,
        Features? features = null, Value<int>? seed = null, [CallerArgumentExpression(nameof(rows))] string? rowsName = null) =>
        Add(StageOperations.TrainFastTree, "fasttree", rows, null, rowsName, () => Common(label, categorical, exclude, features).Set("seed", seed));

    /// <summary>Trains a linear model with ML.NET.</summary>
    /// <param name="rows">Training rows.</param>
    /// <param name="label">The column to predict: a number, a boolean, or text for classes.</param>
    /// <param name="categorical">Columns to take as categories whatever their type; text is anyway.</param>
    /// <param name="exclude">Columns not to use.</param>
    /// <param name="features">What becomes of which column. Default: numbers imputed, text as categories.</param>
    /// <param name="seed">Seed of everything random. Default 1.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    public Model Linear(Table rows, string label, IReadOnlyCollection<string>? categorical = null, IReadOnlyCollection<string>? exclude = null,
        Features? features = null, Value<int>? seed = null, [CallerArgumentExpression(nameof(rows))] string? rowsName = null) =>
        Add(StageOperations.TrainLinear, "linear", rows, null, rowsName, () => Common(label, categorical, exclude, features).Set("seed", seed));

    /// <summary>Trains a multi-layer perceptron with TorchSharp; categories become learned embeddings.</summary>
    /// <param name="rows">Training rows.</param>
    /// <param name="label">The column to predict: a number, a boolean, or text for classes.</param>
    /// <param name="categorical">Columns to take as categories whatever their type; text is anyway.</param>
    /// <param name="exclude">Columns not to use.</param>
    /// <param name="features">What becomes of which column. Default: numbers imputed, text as categories.</param>
    /// <param name="hidden">Units of the hidden layers. Default 128, 64.</param>
    /// <param name="embedding">Largest size of a category's embedding. Default 16.</param>
    /// <param name="epochs">Passes over the rows, at most. Default 4.</param>
    /// <param name="batchSize">Rows a step, at most. Default 8192.</param>
    /// <param name="learningRate">Highest learning rate. Default 0.002.</param>
    /// <param name="weightDecay">Decoupled weight decay. Default 0.</param>
    /// <param name="dropout">Share of hidden units dropped in training. Default 0.</param>
    /// <param name="patience">Epochs without a better validation loss after which training ends. Default 2.</param>
    /// <param name="validation">Rows to watch for early stopping; null: a share of <paramref name="rows"/>.</param>
    /// <param name="validationFraction">Share of the rows held back where there is no <paramref name="validation"/>. Default 0.05.</param>
    /// <param name="seed">Seed of everything random. Default 42.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    public Model TorchMlp(Table rows, string label, IReadOnlyCollection<string>? categorical = null, IReadOnlyCollection<string>? exclude = null,
        Features? features = null, IReadOnlyCollection<int>? hidden = null, Value<int>? embedding = null, Value<int>? epochs = null,
        Value<int>? batchSize = null, Value<double>? learningRate = null, Value<double>? weightDecay = null, Value<double>? dropout = null,
        Value<int>? patience = null, Table? validation = null, Value<double>? validationFraction = null, Value<int>? seed = null,
        [CallerArgumentExpression(nameof(rows))] string? rowsName = null) =>
        Add(StageOperations.TrainTorchMlp, "mlp", rows, validation, rowsName, () => Common(label, categorical, exclude, features)
            .Set("hidden", hidden is null ? null : new JsonArray([.. hidden.Select(h => (JsonNode)h)]))
            .Set("embedding", embedding).Set("epochs", epochs).Set("batchSize", batchSize).Set("learningRate", learningRate)
            .Set("weightDecay", weightDecay).Set("dropout", dropout).Set("patience", patience)
            .Set("validationFraction", validationFraction).Set("seed", seed));

    private Model Add(string operation, string name, Table rows, Table? validation, string? rowsName, Func<JsonObject> options)
    {
        var node = new StageNode(_pipeline, operation, name) { Options = options };
        _pipeline.Connect(node, "data", rows, rowsName);
        if (validation is not null)
        {
            _pipeline.Connect(node, "validation", validation);
        }

        return new Model(_pipeline.Add(node));
    }

    private static JsonObject Common(string label, IReadOnlyCollection<string>? categorical, IReadOnlyCollection<string>? exclude, Features? features) =>
        new JsonObject { ["label"] = label }.Set("categorical", categorical).Set("exclude", exclude).Set("features", features?.ToNode());
}
