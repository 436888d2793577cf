namespace Gristmill.Objects;

/// <summary>Tests during which no others run.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;
