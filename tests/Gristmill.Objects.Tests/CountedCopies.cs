namespace Gristmill.Objects;

/// <summary>Tests that read the process's count of copied bytes run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class CountedCopies
{
    public const string Name = "counted copies";
}
