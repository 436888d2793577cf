namespace Gristmill.Analyzers;

/// <summary>GRM004 to GRM006.</summary>
public sealed class ArgumentRulesTests
{
    private const string Members = """
        public static double Score(ModelRef model, ImmutableDictionary<string, double> numbers) => 1;
        public static async Task<ModelRef> TrainAsync(Dataset rows) { await Task.Yield(); return new("", "torch", 0); }
        public static double Add(int a, string b, DateOnly c = default) => a;
        public static double Names(Dataset rows, IReadOnlyList<string> names, double weight) => 1;
        public static double Odd(Dataset rows, Action callback) => 1;
        public static double Flows(Dataset rows, Stream input) => 1;
        public static double Square(Dataset rows, int[,] grid) => 1;
        public static double Plugged(Dataset rows, IPlugin plugin) => 1;
        public static double Nested(Dataset rows, Settings settings) => 1;
        public static double Plain(Dataset rows, Plain settings) => 1;
        public static void Nothing(Dataset rows) { }
        public static object Anything(Dataset rows) => 1;
        public static IReadOnlyList<string> List(Dataset rows) => [];
        public static string Word(string word) => word;
        public static double Sum(IReadOnlyList<Dataset> tables, IReadOnlyList<double> numbers) => 1;
        public static double Pick(IReadOnlyList<ModelInput> models) => 1;
        public static FileInfo Write(Dataset rows) => new("x");
        public static FileRef Keep(FileInput file) => new("", "", 0);
        public static double Read(FileInput file) => 1;
        public static void Report(ExitStatus exit, Dataset? rows = null) { }
        public static Gristmill.Data.DataFlow<int> Far(Dataset rows) => throw new NotSupportedException();
        """;

    private const string Around = """
        internal interface IPlugin { }
        internal sealed record Settings(int Count, Type Kind);
        internal sealed record Plain(int Count, IReadOnlyList<double> Weights, Dictionary<string, DateOnly> Days, Plain? Next = null);
        namespace Gristmill.Data
        {
            public class DataFlow;
            public sealed class DataFlow<T> : DataFlow;
        }
        """;

    [Theory]
    [InlineData("Model model = p.Run(Train, raw); MetricSet n = p.Run(Count, raw); p.Run(Score, model, n);")]
    [InlineData("p.Run(Score, p.Run(TrainAsync, raw), p.Run(Count, raw));")]
    [InlineData("var rows = p.Run(Copy, raw).Named(\"copied\").With(attempts: 2); p.Run(Count, rows);")]
    [InlineData("var rows = p.Run(Copy, raw); p.Sql($\"select * from {rows}\");")]
    [InlineData("var (train, model) = p.Run(Both, raw); p.Run(Count, train); Model m = model;")]
    [InlineData("p.Run(Add, 1, \"b\"); p.Run(Add, 1, \"b\", new DateOnly(2001, 1, 1));")]
    [InlineData("p.Run(Names, raw, new[] { \"a\" }, 3);")]
    [InlineData("p.Run(Names, raw, new[] { \"a\" }, p.Parameter(\"weight\", 1.5));")]
    [InlineData("p.Run(Plain, raw, StageArgument.Of(new Plain(1, [], [])));")]
    [InlineData("Table t = p.Run(Anything, raw); Model m = p.Run(Anything, raw).Model;")]
    [InlineData("StageArgument[] all = [raw]; p.Run(Count, all);")]
    [InlineData("var far = p.Run(Far, raw); p.Run(Count, far); p.Sql($\"select * from {far}\");")]
    // Loops: the item inside, lists of what each item makes outside.
    [InlineData("p.ForEach(p.Run(List, raw).List<string>(), item => p.Run(Word, item));")]
    [InlineData("var (t, n) = p.ForEach(new[] { 1 }, i => { Table t = p.Run(Copy, raw); return (t, p.Run(Count, t).Metrics[\"value\"]); }); p.Run(Sum, t, n);")]
    [InlineData("p.Run(Pick, p.ForEach(new[] { 1 }, i => p.Run(Train, raw).Model));")]
    // Conditions, on numbers and values.
    [InlineData("var n = p.Run(Count, raw); p.If(n.Metrics[\"value\"] > 1 & p.Parameter(\"k\", 1) > 0, () => p.Run(Count, raw)).ElseIf(p.Run(Word, \"a\").Value.Is(\"a\"), () => p.Run(Nothing, raw)).Else(() => { });")]
    // At the exit the status is handed in.
    [InlineData("p.OnExit(Report); p.OnExit(Report, raw);")]
    // Files, of stages and from outside.
    [InlineData("p.Run(Read, p.Run(Write, raw).File); p.Run(Read, p.Run(Keep, p.ImportFile(\"x\"))); StageFile file = p.Run(Write, raw).File; p.Run(Keep, file);")]
    [InlineData("p.Run(Word, p.Secret(\"door\"));")]
    [InlineData("var good = p.Check(raw, c => c.NotNull(\"a\")); p.Run(Count, good); p.Sql($\"select * from {good}\"); p.Run(Names, good, good.Findings, 1);")]
    public Task What_fits_is_well(string definition) => Verify.DefinitionAsync(definition, Members, Around);

    [Theory]
    [InlineData("p.Run(Count, {|GRM004:p.Run(Train, raw)|});")]
    [InlineData("p.Run(Count, {|GRM004:p.Run(TrainAsync, raw)|});")]
    [InlineData("var model = p.Run(Train, raw).Named(\"trained\"); p.Run(Count, {|GRM004:model|});")]
    [InlineData("p.Run(Score, {|GRM004:raw|}, p.Run(Count, raw));")]
    [InlineData("p.Run(Count, {|GRM004:3|});")]
    [InlineData("p.Run(Add, {|GRM004:raw|}, \"b\");")]
    [InlineData("Model model = {|GRM004:p.Run(Count, raw)|};")]
    [InlineData("var table = {|GRM004:p.Run(Nothing, raw)|}.Table;")]
    [InlineData("var model = p.Run(Train, raw); p.Sql($\"select * from {{|GRM004:model|}}\");")]
    [InlineData("p.Best(Metric.Auc, over: raw, among: [{|GRM004:p.Run(Copy, raw)|}]);")]
    [InlineData("p.Run(Read, {|GRM004:raw|});")]
    [InlineData("Model model = {|GRM004:p.Run(Far, raw)|};")]
    [InlineData("p.Run(Count, {|GRM004:p.ImportFile(\"x\")|});")]
    [InlineData("p.Run(Read, {|GRM004:p.Run(Copy, raw)|});")]
    [InlineData("p.Run(Count, {|GRM004:p.Run(Write, raw)|});")]
    [InlineData("p.Run(Score, {|GRM004:p.Check(raw, c => c.NotNull(\"a\"))|}, p.Run(Count, raw));")]
    [InlineData("p.OnExit(Report, {|GRM004:p.Run(Train, raw)|});")]
    [InlineData("p.ForEach(new[] { 1 }, i => p.Run(Count, {|GRM004:p.Run(Train, raw)|}));")]
    [InlineData("p.If(p.Parameter(\"k\", 1) > 0, () => p.Run(Count, {|GRM004:p.Run(Train, raw)|}));")]
    public Task An_output_of_another_kind_does_not_build(string definition) => Verify.DefinitionAsync(definition, Members, Around);

    [Theory]
    [InlineData("{|GRM005:p.Run(Count)|};")]
    [InlineData("{|GRM005:p.Run(Count, raw, 3)|};")]
    [InlineData("{|GRM005:p.Run(() => 1.0, raw)|};")]
    [InlineData("{|GRM005:p.Run(Add, 1)|};")]
    [InlineData("p.Run(Add, {|GRM005:\"one\"|}, \"b\");")]
    [InlineData("p.Run(Add, 1, {|GRM005:2|});")]
    [InlineData("p.Run(Add, 1, \"b\", {|GRM005:5|});")]
    [InlineData("p.Run(Add, {|GRM005:p.Parameter(\"a\", \"text\")|}, \"b\");")]
    [InlineData("p.Run(Names, raw, {|GRM005:\"a\"|}, 1.0);")]
    [InlineData("{|GRM005:p.OnExit(Report, raw, 3)|};")]
    [InlineData("p.Run(Add, {|GRM005:p.Secret(\"door\")|}, \"b\");")]
    public Task Arguments_that_do_not_fit_do_not_build(string definition) => Verify.DefinitionAsync(definition, Members, Around);

    [Theory]
    [InlineData("p.Run({|GRM006:Odd|}, raw, StageArgument.Of({|GRM006:(Action)(() => { })|}));")]
    [InlineData("p.Run({|GRM006:Flows|}, raw, StageArgument.Of({|GRM006:Stream.Null|}));")]
    [InlineData("p.Run({|GRM006:Square|}, raw, StageArgument.Of({|GRM006:new int[2, 2]|}));")]
    [InlineData("StageArgument plugin = default; p.Run({|GRM006:Plugged|}, raw, plugin);")]
    [InlineData("p.Run({|GRM006:Nested|}, raw, StageArgument.Of({|GRM006:new Settings(1, typeof(int))|}));")]
    public Task What_JSON_cannot_carry_does_not_build(string definition) => Verify.DefinitionAsync(definition, Members, Around);
}
