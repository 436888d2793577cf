using Gristmill.Worker.Tests;

namespace Gristmill.Worker;

/// <summary>What changes a stage's code digest, and what does not: with programs compiled as users' are.</summary>
public sealed class CodeDigestsTests : IDisposable
{
    private const string Usings = "using System; using System.Linq; using System.Collections.Generic; using System.Threading.Tasks; using System.Text.Json.Serialization;\n";

    private const string Program = Usings + """
        public static class Stages
        {
            public static double Run(int epochs) => Helper.Scale(epochs) + new Line(2).Area;
            public static double Lambdas(int[] many) => many.Where(x => x > 3).Select(x => x * 2.0).Sum();
            public static async Task<double> Later(int n) { await Task.Yield(); return Helper.Deep(n) + 1; }
            public static IEnumerable<int> Some() { for (var i = 0; i < 3; i++) { yield return i; } }
            public static double Virtual(int n) { Shape shape = n > 0 ? new Line(n) : new Disc(n); return shape.Area; }
            public static string Local(int n) { return Inner(n); string Inner(int x) => x == 0 ? "done" : Inner(x - 1); }
            public static Answer Data(Question question) => new Answer(question.Text + Names.Suffix);
            public static int Generic() => new List<int>().Count + Other<string>();
            public static int Other<T>() => typeof(T).Name.Length;
            public static int Enumerated(Mood mood) => (int)mood;
            public static string Static() => Names.Table[0];
        }
        public static class Helper
        {
            public const double Rate = 0.1;
            public static double Scale(int n) => n * Rate * Deep(n);
            public static double Deep(int n) => n + 42;
            public static double Unrelated(int n) => n + 7;
        }
        public abstract class Shape { public abstract double Area { get; } public virtual string Say() => "shape"; }
        public sealed class Line(double length) : Shape { public override double Area => length * 0; }
        public sealed class Disc(double radius) : Shape { public override double Area => radius * radius * 3.14; }
        public sealed class Square(double side) : Shape { public override double Area => side * side; }
        public record Question(string Text, Detail Detail);
        public record Detail(int Weight);
        public record Answer([property: JsonPropertyName("answer")] string Text);
        public enum Mood { Calm = 1, Wild = 2 }
        public static class Names { public static readonly string[] Table = ["first", "second"]; public static readonly string Suffix = "!"; }
        """;

    private readonly Mill _mill = new();

    public void Dispose() => _mill.Dispose();

    public static TheoryData<string, string, string> Same => new()
    {
        { "Run", "public static double Deep(int n) => n + 42;", "/* a comment */ public static double Deep(int n)\n    => // another\n   n  +  42;" },
        { "Run", "n + 7", "n + 8" },
        { "Run", "public static class Helper\n{", "public static class Helper\n{ public static int New(int[] a) => a.Count(x => x > 1);" },
        { "Lambdas", "public static double Run(int epochs)", "public static int Before(int[] a) => a.Where(x => x > 9).Count(x => x < 99);\n public static double Run(int epochs)" },
        { "Later", "public static double Run(int epochs)", "public static async Task Before() { await Task.Yield(); }\n public static double Run(int epochs)" },
        { "Some", "public static double Run(int epochs)", "public static IEnumerable<int> Before() { yield return 9; }\n public static double Run(int epochs)" },
        { "Local", "public static double Run(int epochs)", "public static int Before() { return A() + B(); int A() => 1; int B() => 2; }\n public static double Run(int epochs)" },
        { "Virtual", "side * side", "side * side * 1.5" },
        { "Run", "radius * radius * 3.14", "radius * 2" },
        { "Data", "public record Detail", "public record Unused(int A, string B);\n public record Detail" },
        { "Run", "public enum Mood", "public enum Weather { Sun, Rain }\n public enum Mood" },
        { "Lambdas", "x => x * 2.0", "y => y * 2.0" },
    };

    public static TheoryData<string, string, string> Different => new()
    {
        { "Run", "Rate = 0.1", "Rate = 0.2" },
        { "Run", "n + 42", "n + 43" },
        { "Run", "length * 0", "length * 1" },
        { "Run", "new Line(2)", "new Line(3)" },
        { "Run", "public static double Run(int epochs)", "public static double Run(int epochs = 3)" },
        { "Lambdas", "x > 3", "x > 4" },
        { "Lambdas", "x * 2.0", "x * 3.0" },
        { "Later", "Helper.Deep(n) + 1", "Helper.Deep(n) + 2" },
        { "Later", "n + 42", "n + 43" },
        { "Some", "i < 3", "i < 4" },
        { "Virtual", "radius * radius * 3.14", "radius * radius * 3.1416" },
        { "Virtual", "new Disc(n)", "new Square(n)" },
        { "Local", "\"done\"", "\"over\"" },
        { "Local", "x - 1", "x - 2" },
        { "Data", "string Text, Detail Detail", "string Text, Detail Detail, int More" },
        { "Data", "int Weight", "long Weight" },
        { "Data", "JsonPropertyName(\"answer\")", "JsonPropertyName(\"reply\")" },
        { "Data", "Suffix = \"!\"", "Suffix = \"?\"" },
        { "Generic", "List<int>", "List<long>" },
        { "Generic", "Other<string>", "Other<object>" },
        { "Enumerated", "Wild = 2", "Wild = 3" },
        { "Static", "\"first\"", "\"primo\"" },
        { "Static", "Table[0]", "Table[1]" },
    };

    private CodeDigest Digest(string source, string method, bool debug = false, bool deterministic = true, params (string Name, string Source)[] libraries)
    {
        var staged = _mill.Content.Stage();
        foreach (var (name, code) in libraries)
        {
            Compiled.Write(staged, name, code, debug, deterministic);
        }

        Compiled.Write(staged, "pipeline", source, debug, deterministic);
        var code1 = new CodeRef(_mill.Content.Commit(staged).Digest, "pipeline.dll");
        return new CodeDigests(_mill.Content).Of(code1, new CodeCallOptions { Type = "Stages", Method = method });
    }

    private static string Replace(string text, string replaced)
    {
        var source = Program.Replace("\r", "", StringComparison.Ordinal);
        Assert.Contains(text, source, StringComparison.Ordinal);
        return source.Replace(text, replaced, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Same))]
    public void What_the_stage_does_not_reach_changes_nothing(string method, string text, string replaced)
    {
        Assert.Equal(Digest(Program, method).Code, Digest(Replace(text, replaced), method).Code);
        Assert.Equal(Digest(Program, method, debug: true).Code, Digest(Replace(text, replaced), method, debug: true).Code);
    }

    [Theory, MemberData(nameof(Different))]
    public void What_the_stage_reaches_changes_its_digest(string method, string text, string replaced) =>
        Assert.NotEqual(Digest(Program, method).Code, Digest(Replace(text, replaced), method).Code);

    [Fact]
    public void A_rebuild_changes_nothing()
    {
        var first = Digest(Program, "Later", deterministic: false);
        Assert.Equal(first.Code, Digest(Program, "Later", deterministic: false).Code);
        Assert.Null(first.Doubt);
    }

    [Fact]
    public void The_order_of_members_changes_nothing()
    {
        const string A = "public static double Scale(int n) => n * Rate * Deep(n);";
        const string B = "public static double Deep(int n) => n + 42;";
        Assert.Equal(Digest(Program, "Run").Code, Digest(Replace(A, "").Replace(B, B + A, StringComparison.Ordinal), "Run").Code);
    }

    [Fact]
    public void Code_in_another_assembly_of_the_user_counts_too()
    {
        const string Main = "public static class Stages { public static int Run(int n) => Lib.Pick(new[] { n }) + Lib.Box<int>.Size; }";
        const string Lib = "using System.Linq; public static class Lib { public static int Pick(int[] a) => a.First(x => x > LEAST); public static int Other() => OTHER; public static class Box<T> { public static int Size => SIZE; } }";
        string Code(string least, string other, string size) => Digest(Main, "Run", libraries: ("Lib", Lib
            .Replace("LEAST", least, StringComparison.Ordinal).Replace("OTHER", other, StringComparison.Ordinal).Replace("SIZE", size, StringComparison.Ordinal))).Code;

        var before = Code("1", "1", "1");
        Assert.Equal(before, Code("1", "2", "1"));
        Assert.NotEqual(before, Code("2", "1", "1"));
        Assert.NotEqual(before, Code("1", "1", "2"));
    }

    [Fact]
    public void A_package_counts_by_its_version()
    {
        const string Main = "public static class Stages { public static int Run(int n) => Lib.Pick(n); }";
        const string Deps = """{"libraries":{"pipeline/1.0.0":{"type":"project"},"Lib/1.0.0":{"type":"package"}}}""";
        CodeDigest Of(string lib)
        {
            var staged = _mill.Content.Stage();
            Compiled.Write(staged, "Lib", lib);
            Compiled.Write(staged, "pipeline", Main);
            File.WriteAllText(Path.Combine(staged, "pipeline.deps.json"), Deps);
            return new CodeDigests(_mill.Content).Of(new CodeRef(_mill.Content.Commit(staged).Digest, "pipeline.dll"), new CodeCallOptions { Type = "Stages", Method = "Run" });
        }

        var one = Of("public static class Lib { public static int Pick(int n) => n; }");
        var two = Of("public static class Lib { public static int Pick(int n) => n; public static int More; }");
        Assert.Equal(one.Code, two.Code);
        Assert.Equal("Lib", Assert.Single(one.Libraries).Name);
        Assert.NotEqual(one.Libraries, two.Libraries);
    }

    [Theory]
    [InlineData("DateTime.UtcNow.Ticks", "System.DateTime.UtcNow")]
    [InlineData("Random.Shared.Next()", "System.Random.Shared")]
    [InlineData("new Random().Next()", "System.Random.new")]
    [InlineData("System.IO.File.ReadAllText(\"x\").Length", "System.IO.File.ReadAllText")]
    [InlineData("Gristmill.Data.DataFlow.Read(\"x.parquet\").GetHashCode()", "Gristmill.Data.DataFlow.Read")]
    [InlineData("Gristmill.Data.DataFlow.ReadSqlite(\"x.db\", \"t\").GetHashCode()", "Gristmill.Data.DataFlow.ReadSqlite")]
    [InlineData("Gristmill.Data.DataFlow.ReadPostgres(Gristmill.Data.PostgresConnection.FromString(\"x\"), \"t\").GetHashCode()", "Gristmill.Data.DataFlow.ReadPostgres")]
    [InlineData("default(Gristmill.Data.DataFlow)!.WriteArrowAsync(\"x\").Id", "Gristmill.Data.DataFlow.WriteArrowAsync")]
    [InlineData("Gristmill.Data.StageFlowExtensions.WritePostgresAsync(null!, null!, null!, \"t\").Id", "Gristmill.Data.StageFlowExtensions.WritePostgresAsync")]
    [InlineData("new System.Net.Http.HttpClient().GetStringAsync(\"x\").Result.Length", "System.Net.Http.HttpClient.new")]
    [InlineData("new Func<long>(() => Guid.NewGuid().GetHashCode())()", "System.Guid.NewGuid")]
    [InlineData("new Random(5).Next()", null)]
    [InlineData("(long)Math.Sqrt(2)", null)]
    public void Clocks_chance_and_files_raise_doubts(string expression, string? doubt)
    {
        var digest = Digest(Usings + $"public static class Stages {{ public static long Run() => Inner.Deep(); }} static class Inner {{ public static long Deep() => {expression}; }}", "Run");
        Assert.Equal(doubt is null, digest.Doubt is null);
        Assert.Contains(doubt ?? "", digest.Doubt ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void The_running_programs_own_code_is_read_from_its_file()
    {
        var options = new CodeCallOptions { Assembly = typeof(TestCode.TestStages).Assembly.GetName().Name, Type = typeof(TestCode.TestStages).FullName!, Method = nameof(TestCode.TestStages.Add) };
        Assert.Equal(new CodeDigests(_mill.Content).Of(null, options).Code, new CodeDigests(_mill.Content).Of(_mill.Code, options with { Assembly = null }).Code);
    }

    [Fact]
    public void What_is_not_there_is_named()
    {
        var error = Assert.Throws<GristmillException>(() => Digest(Program, "Nowhere"));
        Assert.Equal(ErrorCodes.CodeLoad, error.Code);
        Assert.Contains("Stages.Nowhere", error.Message, StringComparison.Ordinal);
    }
}
