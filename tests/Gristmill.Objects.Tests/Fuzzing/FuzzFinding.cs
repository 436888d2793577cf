namespace Gristmill.Objects.Fuzzing;

/// <summary>A mutant did what none may.</summary>
internal sealed class FuzzFinding(string message) : Exception(message);
