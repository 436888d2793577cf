using Microsoft.CodeAnalysis;

namespace Gristmill.Analyzers;

/// <summary>What the rules look for; one a compilation.</summary>
internal sealed class KnownTypes
{
    private KnownTypes(Compilation compilation, INamedTypeSymbol builder)
    {
        Builder = builder;
        Pipeline = compilation.GetTypeByMetadataName("Gristmill.Pipeline");
        Handle = compilation.GetTypeByMetadataName("Gristmill.StageHandle");
        HandleExtensions = compilation.GetTypeByMetadataName("Gristmill.StageHandleExtensions");
        CodeStage = compilation.GetTypeByMetadataName("Gristmill.CodeStage");
        StageArgument = compilation.GetTypeByMetadataName("Gristmill.StageArgument");
        Delegate = compilation.GetSpecialType(SpecialType.System_Delegate);
        Injected = Set(compilation, "Gristmill.Engines.StageContext", "System.Threading.CancellationToken", "Gristmill.ExitStatus");
        Progress = compilation.GetTypeByMetadataName("System.IProgress`1");
        StageProgress = compilation.GetTypeByMetadataName("Gristmill.StageProgress");
        Task = compilation.GetTypeByMetadataName("System.Threading.Tasks.Task`1");
        ValueTask = compilation.GetTypeByMetadataName("System.Threading.Tasks.ValueTask`1");
        PlainTasks = Set(compilation, "System.Threading.Tasks.Task", "System.Threading.Tasks.ValueTask");
        ParameterTypes = Set(compilation, "System.DateOnly", "System.DateTime", "System.DateTimeOffset");
    }

    public INamedTypeSymbol Builder { get; }

    public INamedTypeSymbol? Pipeline { get; }

    public INamedTypeSymbol? Handle { get; }

    public INamedTypeSymbol? HandleExtensions { get; }

    public INamedTypeSymbol? CodeStage { get; }

    public INamedTypeSymbol? StageArgument { get; }

    public INamedTypeSymbol Delegate { get; }

    public HashSet<ISymbol> Injected { get; }

    public INamedTypeSymbol? Progress { get; }

    public INamedTypeSymbol? StageProgress { get; }

    public INamedTypeSymbol? Task { get; }

    public INamedTypeSymbol? ValueTask { get; }

    public HashSet<ISymbol> PlainTasks { get; }

    public HashSet<ISymbol> ParameterTypes { get; }

    /// <summary>Null where the compilation defines no pipelines.</summary>
    public static KnownTypes? Of(Compilation compilation) =>
        compilation.GetTypeByMetadataName("Gristmill.PipelineBuilder") is { } builder ? new KnownTypes(compilation, builder) : null;

    public bool IsInjected(ITypeSymbol type) => Injected.Contains(type.OriginalDefinition)
        || (type is INamedTypeSymbol { TypeArguments.Length: 1 } named
            && Same(named.OriginalDefinition, Progress) && Same(named.TypeArguments[0], StageProgress));

    public static bool Same(ISymbol? one, ISymbol? other) => SymbolEqualityComparer.Default.Equals(one, other);

    private static HashSet<ISymbol> Set(Compilation compilation, params string[] names) =>
        new(names.Select(compilation.GetTypeByMetadataName).OfType<ISymbol>(), SymbolEqualityComparer.Default);
}
