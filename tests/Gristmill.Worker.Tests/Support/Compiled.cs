using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;

namespace Gristmill.Worker.Tests;

/// <summary>Compiles a user's program, as a build would.</summary>
internal static class Compiled
{
    private static readonly MetadataReference[] Framework =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(static path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>Writes NAME.dll into a folder.</summary>
    /// <param name="folder">The folder, whose other assemblies may be used.</param>
    /// <param name="name">The assembly's name.</param>
    /// <param name="source">Its code.</param>
    /// <param name="debug">Whether as a debug build.</param>
    /// <param name="deterministic">Whether equal code makes equal files.</param>
    public static string Write(string folder, string name, string source, bool debug = false, bool deterministic = true)
    {
        var others = Directory.GetFiles(folder, "*.dll").Select(static path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(
            name,
            [CSharpSyntaxTree.ParseText(source, new CSharpParseOptions(LanguageVersion.Preview), Path.Combine(folder, name + ".cs"), System.Text.Encoding.UTF8)],
            [.. Framework, .. others],
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary, optimizationLevel: debug ? OptimizationLevel.Debug : OptimizationLevel.Release,
                deterministic: deterministic, nullableContextOptions: NullableContextOptions.Enable));
        var path = Path.Combine(folder, name + ".dll");
        using var file = File.Create(path);
        var result = compilation.Emit(file, options: new EmitOptions(debugInformationFormat: DebugInformationFormat.Embedded));
        Assert.True(result.Success, string.Join('\n', result.Diagnostics));
        return path;
    }
}
