namespace Gristmill;

/// <summary>What <see cref="PipelineBuilder.Fit"/> makes.</summary>
/// <param name="Encoded">The encoded training rows.</param>
/// <param name="Transforms">The fitted transforms.</param>
public sealed record FittedFeatures(Table Encoded, Model Transforms);
