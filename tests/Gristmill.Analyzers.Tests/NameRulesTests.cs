namespace Gristmill.Analyzers;

/// <summary>GRM007 to GRM009.</summary>
public sealed class NameRulesTests
{
    [Theory]
    [InlineData("var a = p.Run(Count, raw); var b = p.Run(Count, raw).After(a); b.After(a);")]
    [InlineData("MetricSet a = p.Run(Count, raw); p.Run(Count, raw).When(a[\"value\"] > 0.5);")]
    [InlineData("var until = p.Parameter(\"until\", new DateOnly(2001, 1, 1)); p.Register(\"a.b_c-d\", p.Run(Train, raw)).Named(\"0\");")]
    public Task Order_and_names_that_hold_are_well(string definition) => Verify.DefinitionAsync(definition);

    [Theory]
    [InlineData("var a = p.Run(Count, raw); var b = p.Run(Count, a.Metrics is null ? raw : raw); a.After({|GRM007:b|});")]
    [InlineData("var a = p.Run(Count, raw); a.Named(\"x\").After({|GRM007:a|});")]
    [InlineData("var a = p.Run(Count, raw); MetricSet b = p.Run(Count, raw); a.When({|GRM007:b|}[\"value\"] > 0.5);")]
    public Task Waiting_for_a_later_stage_does_not_build(string definition) => Verify.DefinitionAsync(definition);

    [Theory]
    [InlineData("p.Parameter({|GRM008:\"train until\"|}, 1);")]
    [InlineData("raw.Named({|GRM008:\"\"|});")]
    [InlineData("p.Register({|GRM008:\"-model\"|}, p.Run(Train, raw));")]
    [InlineData("Pipeline.Create({|GRM008:\"ä\"|}, q => q.Read.Csv(\"x\"));")]
    [InlineData("const string name = \"a/b\"; raw.Named({|GRM008:name|});")]
    public Task Names_outside_the_alphabet_do_not_build(string definition) => Verify.DefinitionAsync(definition);

    [Theory]
    [InlineData("{|GRM009:p.Parameter(\"price\", 1.5m)|};")]
    [InlineData("{|GRM009:p.Parameter<TimeSpan>(\"window\")|};")]
    public Task Parameters_of_other_types_do_not_build(string definition) => Verify.DefinitionAsync(definition);

    [Fact]
    public Task A_name_is_corrected() => Verify.FixAsync<CorrectNameFix>("p.Parameter({|GRM008:\"train until!\"|}, 1);", "p.Parameter(\"train-until\", 1);");
}
