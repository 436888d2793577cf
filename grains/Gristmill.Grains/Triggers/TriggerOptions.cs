namespace Gristmill.Grains;

/// <summary>Settings of triggers on a silo.</summary>
/// <param name="Declared">Whether triggers that a pipeline's code declares come to life when it is registered. Not in a silo that lives for one run.</param>
public sealed record TriggerOptions(bool Declared = true);
