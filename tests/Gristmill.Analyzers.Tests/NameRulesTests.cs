namespace Gristmill.Analyzers;

/// <summary>GRM007 to GRM009.</summary>
public sealed class NameRulesTests
{
    [Theory]
    [InlineData("var a = p.Run(Count, raw); var b = p.Run(Count, raw).After(a); b.After(a);")]
    [InlineData("MetricSet a = p.Run(Count, raw); p.Run(Count, raw).When(a[\"value\"] > 0.5);")]
    [InlineData("var until = p.Parameter(\"until\", new DateOnly(2001, 1, 1)); p.Register(\"a.b_c-d\", p.Run(Train, raw)).Named(\"0\");")]
    [InlineData("p.Parameter(\"a\", new[] { \"x\" }); p.Parameter(\"b\", new[] { 1L }); p.Parameter<float[]>(\"c\"); p.Parameter<DateOnly[]>(\"d\"); p.Parameter<DateTimeOffset>(\"e\"); p.Parameter(\"f\", false);")]
    [InlineData("p.Secret(\"a.b-c\"); p.Group(\"g\", () => p.Include(Pipeline.Create(\"other\", q => q.Read.Csv(\"x\")))); p.ForEach(new[] { 1 }, i => p.Sql($\"select {i}\"), name: \"l\");")]
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
    [InlineData("p.ForEach(new[] { 1 }, i => p.Sql($\"select {i}\"), name: {|GRM008:\"my loop\"|});")]
    [InlineData("p.ForEach(p.Parameter(\"days\", new[] { 1 }), i => { p.Sql($\"select {i}\"); }, name: {|GRM008:\"\"|});")]
    [InlineData("p.Group({|GRM008:\"first part\"|}, () => p.Run(Count, raw)); p.Group({|GRM008:\"a b\"|}, () => { p.Run(Count, raw); });")]
    [InlineData("p.Include(Pipeline.Create(\"other\", q => q.Read.Csv(\"x\")), {|GRM008:\"a/b\"|});")]
    [InlineData("p.Secret({|GRM008:\"my password\"|});")]
    public Task Names_outside_the_alphabet_do_not_build(string definition) => Verify.DefinitionAsync(definition);

    [Theory]
    [InlineData("{|GRM009:p.Parameter(\"price\", 1.5m)|};")]
    [InlineData("{|GRM009:p.Parameter<TimeSpan>(\"window\")|};")]
    [InlineData("{|GRM009:p.Parameter(\"day\", DayOfWeek.Monday)|};")]
    [InlineData("{|GRM009:p.Parameter(\"flags\", new[] { true })|};")]
    [InlineData("{|GRM009:p.Parameter(\"times\", new[] { DateTime.MinValue })|};")]
    [InlineData("{|GRM009:p.Parameter<DateTimeOffset[]>(\"instants\")|};")]
    [InlineData("{|GRM009:p.Parameter(\"prices\", new[] { 1.5m })|};")]
    [InlineData("{|GRM009:p.Parameter(\"table\", new[] { new[] { 1 } })|};")]
    [InlineData("{|GRM009:p.Parameter<int[,]>(\"grid\")|};")]
    public Task Parameters_of_other_types_do_not_build(string definition) => Verify.DefinitionAsync(definition);

    [Fact]
    public Task A_name_is_corrected() => Verify.FixAsync<CorrectNameFix>("p.Parameter({|GRM008:\"train until!\"|}, 1);", "p.Parameter(\"train-until\", 1);");
}
