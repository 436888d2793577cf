using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Testing;
using Microsoft.CodeAnalysis.Testing;

namespace Gristmill.Analyzers;

/// <summary>
/// Compiles a pipeline's definition against the real SDK and looks for the diagnostics between [| |] or {|GRM001: |}. The compiler's own
/// errors fail a test, too.
/// </summary>
internal static class Verify
{
    private static readonly MetadataReference[] s_references = [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
        .Split(Path.PathSeparator).Where(IsNeeded).Select(path => MetadataReference.CreateFromFile(path))];

    /// <summary>A definition in the body of Pipeline.Create, beside the methods of <paramref name="members"/>.</summary>
    public static string Source(string definition, string members = "", string around = "") => $$"""
        using System;
        using System.Collections.Generic;
        using System.Collections.Immutable;
        using System.IO;
        using System.Linq;
        using System.Threading;
        using System.Threading.Tasks;
        using Gristmill;
        using Gristmill.Engines;

        {{around}}
        internal sealed class Program
        {
            private int _field;

            public Pipeline Define(int outer) => Pipeline.Create("test", p =>
            {
                var raw = p.Read.Csv("rows.csv");
                {{definition}}
            });

            public static double Count(Dataset rows) => rows.Rows;
            public static ModelRef Train(Dataset rows, int epochs = 4, CancellationToken cancellationToken = default) => new("", "torch", epochs);
            public static ObjectRef Copy(Dataset rows) => rows.Ref;
            public static (ObjectRef Train, ModelRef Model) Both(Dataset rows, StageContext stage, IProgress<StageProgress> progress) => (rows.Ref, new("", "torch", 0));
            {{members}}
            public int Use() => _field;
        }
        """;

    public static Task DefinitionAsync(string definition, string members = "", string around = "") => RunAsync(new CSharpAnalyzerTest<PipelineAnalyzer, DefaultVerifier>
    {
        TestCode = Source(definition, members, around),
        CompilerDiagnostics = CompilerDiagnostics.Errors,
    });

    public static Task FixAsync<TFix>(string before, string after, string members = "", string? membersAfter = null) where TFix : CodeFixProvider, new() =>
        RunAsync(new CSharpCodeFixTest<PipelineAnalyzer, TFix, DefaultVerifier>
        {
            TestCode = Source(before, members),
            FixedCode = Source(after, membersAfter ?? members),
            CompilerDiagnostics = CompilerDiagnostics.Errors,
        });

    private static Task RunAsync(AnalyzerTest<DefaultVerifier> test)
    {
        // What this process runs with, instead of packages from a feed.
        test.ReferenceAssemblies = new ReferenceAssemblies("net10.0");
        test.TestState.AdditionalReferences.AddRange(s_references);
        test.SolutionTransforms.Add((solution, project) => solution.WithProjectParseOptions(project, new CSharpParseOptions(LanguageVersion.Preview)));
        return test.RunAsync(TestContext.Current.CancellationToken);
    }

    private static bool IsNeeded(string path)
    {
        var name = Path.GetFileName(path);
        return name.StartsWith("System.", StringComparison.Ordinal) || name is "mscorlib.dll" or "netstandard.dll" or "Gristmill.Abstractions.dll" or "Gristmill.Client.dll"
            or "Gristmill.Engines.dll" or "Gristmill.Objects.dll" || name.StartsWith("Apache.Arrow", StringComparison.Ordinal) || name.StartsWith("Orleans.", StringComparison.Ordinal);
    }
}
