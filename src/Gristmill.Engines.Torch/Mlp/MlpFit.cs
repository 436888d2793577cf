using System.Collections.Immutable;

namespace Gristmill.Engines.Torch;

/// <summary>What training gives.</summary>
/// <param name="Weights">The best epoch's weights.</param>
/// <param name="Task">What was learnt.</param>
/// <param name="Metrics">Finite metrics of the best epoch and of the training.</param>
internal sealed record MlpFit(MlpWeights Weights, ModelTask Task, ImmutableDictionary<string, double> Metrics);
