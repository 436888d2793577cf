namespace Gristmill.Analyzers;

/// <summary>GRM001 to GRM003.</summary>
public sealed class DelegateRulesTests
{
    [Theory]
    [InlineData("p.Run(Count, raw);")]
    [InlineData("p.Run(Train, raw, 3);")]
    [InlineData("p.Run((Dataset rows) => rows.Rows * 2.0, raw);")]
    [InlineData("p.Run(static (Dataset rows, int n) => (double)n, raw, outer);")]
    [InlineData("const int n = 3; p.Run((Dataset rows) => (double)n, raw);")]
    [InlineData("static double Local(Dataset rows) => rows.Rows; p.Run(Local, raw);")]
    [InlineData("double Local(Dataset rows) => rows.Rows; p.Run(Local, raw);")]
    [InlineData("p.Run((Dataset rows) => { var own = 1.0; Func<double> inner = () => own; return inner(); }, raw);")]
    public Task What_needs_nothing_but_its_arguments_is_well(string definition) => Verify.DefinitionAsync(definition);

    [Theory]
    [InlineData("var n = 3; p.Run({|GRM001:(Dataset rows) => (double)n|}, raw);")]
    [InlineData("p.Run({|GRM001:(Dataset rows) => (double)outer|}, raw);")]
    [InlineData("p.Run({|GRM001:(Dataset rows) => (double)_field|}, raw);")]
    [InlineData("p.Run({|GRM001:(Dataset rows) => (double)this.Use()|}, raw);")]
    [InlineData("var n = 3; var m = 4; p.Run({|GRM001:{|GRM001:(Dataset rows) => (double)n * m * n|}|}, raw);")]
    [InlineData("var n = 3; double Local(Dataset rows) => n; p.Run({|GRM001:Local|}, raw);")]
    [InlineData("var n = 3; double Inner() => n; p.Run({|GRM001:(Dataset rows) => Inner()|}, raw);")]
    [InlineData("var n = 3; p.Run({|GRM001:(Dataset rows) => { Func<double> inner = () => n; return inner(); }|}, raw);")]
    public Task What_captures_does_not_build(string definition) => Verify.DefinitionAsync(definition);

    [Theory]
    [InlineData("p.Run({|GRM002:Instance|}, raw);")]
    [InlineData("p.Run({|GRM002:this.Instance|}, raw);")]
    [InlineData("p.Run({|GRM002:new Program().Instance|}, raw);")]
    public Task Instance_methods_do_not_build(string definition) => Verify.DefinitionAsync(definition, "public double Instance(Dataset rows) => rows.Rows;");

    [Fact]
    public Task Generic_methods_do_not_build() =>
        Verify.DefinitionAsync("p.Run({|GRM003:Sized<int>|}, raw);", "public static double Sized<T>(Dataset rows) => rows.Rows;");

    [Fact]
    public Task Methods_of_generic_types_do_not_build() =>
        Verify.DefinitionAsync("p.Run({|GRM003:Of<int>.Sized|}, raw);", around: "internal static class Of<T> { public static double Sized(Dataset rows) => rows.Rows; }");

    [Fact]
    public Task Nothing_is_said_of_delegates_from_elsewhere() => Verify.DefinitionAsync("Func<Dataset, double> stage = Count; p.Run(stage, raw);");

    [Fact]
    public Task A_captured_variable_becomes_an_argument() => Verify.FixAsync<PassAsArgumentFix>(
        "var n = 3; p.Run({|GRM001:(Dataset rows) => (double)n|}, raw);",
        "var n = 3; p.Run(static (Dataset rows, int n) => (double)n, raw, n);");

    [Fact]
    public Task Several_become_several_and_what_does_not_convert_is_wrapped() => Verify.FixAsync<PassAsArgumentFix>(
        "var n = 3; var days = TimeSpan.FromDays(1); p.Run({|GRM001:{|GRM001:(Dataset rows) => n * days.TotalDays|}|}, raw);",
        "var n = 3; var days = TimeSpan.FromDays(1); p.Run(static (Dataset rows, int n, TimeSpan days) => n * days.TotalDays, raw, n, StageArgument.Of(days));");

    [Fact]
    public Task An_instance_method_that_uses_no_instance_becomes_static() => Verify.FixAsync<MakeStaticFix>(
        "p.Run({|GRM002:this.Instance|}, raw);", "p.Run(Program.Instance, raw);",
        "public double Instance(Dataset rows) => rows.Rows;", "public static double Instance(Dataset rows) => rows.Rows;");
}
