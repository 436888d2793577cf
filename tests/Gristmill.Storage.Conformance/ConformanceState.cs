namespace Gristmill.Storage.Conformance;

/// <summary>The state that the conformance tests store.</summary>
[GenerateSerializer, Alias("gristmill.test.ConformanceState")]
public sealed class ConformanceState
{
    [Id(0)]
    public int Number { get; set; }

    [Id(1)]
    public string Text { get; set; } = "";
}
