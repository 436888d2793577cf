using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Gristmill.Docs;

/// <summary>What the pages show compiles against what there is: as a program, as members, or as statements where a few names are known.</summary>
public sealed class SnippetTests
{
    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.Collections.Immutable;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using Gristmill;
        global using Gristmill.Client;
        global using Gristmill.Data;
        global using Gristmill.Engines;
        global using Gristmill.Hosting;
        global using Gristmill.Objects;
        global using Gristmill.Plots;
        global using Gristmill.Testing;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.AspNetCore.Hosting;
        global using Microsoft.AspNetCore.Server.Kestrel.Core;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        global using Orleans;
        global using Orleans.Hosting;
        global using Xunit;
        """;

    /// <summary>What a page about a library takes for granted; an alias goes before a name that two namespaces have.</summary>
    private static readonly string[] s_libraries =
    [
        "",
        "global using Apache.Arrow; global using Table = Gristmill.Table; global using Schema = Apache.Arrow.Schema;",
        "global using Microsoft.ML; global using Gristmill.Engines.MLNet;",
        "global using TorchSharp; global using static TorchSharp.torch; global using Gristmill.Engines.Torch; global using Tensor = TorchSharp.torch.Tensor;",
    ];

    /// <summary>Names that statements in the pages use without saying where they come from.</summary>
    private const string Known = """
        internal static PipelineBuilder p = null!;
        internal static Pipeline pipeline = null!;
        internal static TestCluster cluster = null!;
        internal static GristmillClient client = null!;
        internal static WebApplicationBuilder builder = null!;
        internal static WebApplication app = null!;
        internal static Table raw = null!, rows = null!, train = null!, test = null!;
        internal static Model trees = null!, mlp = null!, model = null!;
        internal static MetricSet quality = null!;
        internal static StageContext stage = null!;
        internal static Dataset data = null!;
        internal static double loss = 0;
        internal static float[] probabilities = [];
        internal static float[] labels = [];
        internal static CancellationToken cancellationToken;
        """;

    /// <summary>Types of the reader's own that the pages speak of.</summary>
    private const string Beside = """
        internal static class Data { public static string Flights { get; } = ""; }
        internal static class MyCode { public static ObjectRef Download(string url) => throw new NotSupportedException(url); }
        internal readonly record struct Flight(DateTime Date, int Delay, int Distance, string Origin);
        internal readonly record struct Late(string Origin, int Hour, bool IsLate);
        internal sealed class State { public int Epoch { get; set; } }
        """;

    private static readonly MetadataReference[] s_references = [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
        .Split(Path.PathSeparator).Where(path => Path.GetFileName(path) is not "Gristmill.Docs.Tests.dll" and not "mill.dll").Select(path => MetadataReference.CreateFromFile(path))];

    public static TheoryData<string> All => [.. Snippet.All().Select(snippet => snippet.ToString())];

    [Fact]
    public void There_are_snippets() => Assert.True(Snippet.All().Count() > 10);

    [Theory]
    [MemberData(nameof(All))]
    public void It_compiles(string place)
    {
        var snippet = Snippet.All().Single(candidate => candidate.ToString() == place);
        // What only a file-based app reads, and what stands for whatever else there is.
        var code = string.Join('\n', snippet.Code.Split('\n').Select(line => line.StartsWith("#:", StringComparison.Ordinal) || line.Trim() == "..." ? "" : line));
        var open = string.Join('\n', snippet.Code.Split('\n').Select(line => line.StartsWith("#:", StringComparison.Ordinal) ? "" : line.Trim() == "..." ? "throw null!;" : line));
        var best = s_libraries.SelectMany(library => new[] { Program(code), Members(code), Statements(code), Members(open) }.Select(text => Errors(text, library))).MinBy(errors => errors.Count)!;

        Assert.True(best.Count == 0, $"{snippet}\n{string.Join('\n', best.Take(5))}");
    }

    private static string Program(string code) => code + (code.Contains("class Data", StringComparison.Ordinal) || code.Contains("struct Flight(", StringComparison.Ordinal) ? "" : "\n" + Beside);

    private static string Members(string code) => $"internal sealed class Snippet\n{{\n{Known}\n#line 1\n{code}\nprivate static void Main() {{ }}\n}}\n{Beside}";

    private static string Statements(string code) =>
        $"internal sealed class Snippet\n{{\n{Known}\nprivate static async Task Main()\n{{\nawait Task.Yield();\nvoid Train(Dataset rows, int epochs) {{ }}\n{{\n#line 1\n{code}\n}}\n}}\n}}\n{Beside}";

    private static List<string> Errors(string code, string library)
    {
        var options = new CSharpParseOptions(LanguageVersion.Preview);
        var compilation = CSharpCompilation.Create("snippet",
            [CSharpSyntaxTree.ParseText(Usings + "\n" + library, options), CSharpSyntaxTree.ParseText(code, options)], s_references,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        return [.. compilation.GetDiagnostics(TestContext.Current.CancellationToken).Where(d => d.Severity == DiagnosticSeverity.Error)
            .Select(d => $"line {d.Location.GetMappedLineSpan().StartLinePosition.Line + 1}: {d.Id} {d.GetMessage(System.Globalization.CultureInfo.InvariantCulture)}")];
    }
}
