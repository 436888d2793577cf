namespace Gristmill.Testing;

/// <summary>An attempt that a test cluster made at a stage.</summary>
/// <param name="Run">The run's id.</param>
/// <param name="Stage">The stage's name.</param>
/// <param name="Number">Counts from 1.</param>
/// <param name="Operation">What the stage is, one of <see cref="StageOperations"/>.</param>
/// <param name="Doubled">Whether the test had replaced, held or failed it.</param>
public sealed record TestAttempt(string Run, string Stage, int Number, string Operation, bool Doubled);
