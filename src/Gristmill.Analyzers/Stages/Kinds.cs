using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Gristmill.Analyzers.Stages;

/// <summary>What flows between stages.</summary>
internal enum Kind
{
    /// <summary>Cannot be told here, or anything will do.</summary>
    Unknown,
    Nothing,
    Table,
    Model,
    Metrics,
    File,
    Tuple,
    /// <summary>A plain value, not an output.</summary>
    Value,
}

/// <summary>Tells kinds by types, as the SDK does when the definition runs.</summary>
internal static class Kinds
{
    private static readonly HashSet<string> s_tables = ["Gristmill.Engines.Dataset", "Gristmill.Objects.ObjectLease", "Gristmill.ObjectRef"];
    private static readonly HashSet<string> s_models = ["Gristmill.Engines.ModelInput", "Gristmill.ModelRef"];

    private static readonly HashSet<string> s_files = ["Gristmill.Engines.FileInput", "Gristmill.FileRef", "System.IO.FileInfo"];

    public static string Words(Kind kind) => kind switch
    {
        Kind.Nothing => "nothing",
        Kind.Table => "a table",
        Kind.Model => "a model",
        Kind.Metrics => "a set of metrics",
        Kind.File => "a file",
        Kind.Tuple => "a tuple",
        _ => "a value",
    };

    /// <summary>What a parameter of a stage's method takes.</summary>
    public static Kind Taken(ITypeSymbol type)
    {
        var name = NameOf(type);
        return s_tables.Contains(name) ? Kind.Table
            : s_models.Contains(name) ? Kind.Model
            : s_files.Contains(name) ? Kind.File
            : IsMetrics(type) ? Kind.Metrics
            : name == "Gristmill.Artifact" || ItemOf(type) is { } item && Taken(item) != Kind.Value ? Kind.Unknown
            : Kind.Value;
    }

    /// <summary>What a handle is: by its type, and for a stage of one's own code by what its method returns.</summary>
    public static Kind Given(IOperation value, KnownTypes known)
    {
        switch (NameOf(value.Type))
        {
            case "Gristmill.Table" or "Gristmill.CheckedTable": return Kind.Table;
            case "Gristmill.Model" or "Gristmill.BestModel": return Kind.Model;
            case "Gristmill.MetricSet": return Kind.Metrics;
            case "Gristmill.StageFile": return Kind.File;
            case "Gristmill.CodeStage": return Producer(value, known) is { } call ? Returned(call.Method.ReturnType, known) : Kind.Unknown;
            default: return IsHandle(value.Type, known) ? Kind.Unknown : Kind.Value;
        }
    }

    /// <summary>What a stage's method hands on.</summary>
    public static Kind Returned(ITypeSymbol type, KnownTypes known)
    {
        if (known.PlainTasks.Contains(type) || type.SpecialType == SpecialType.System_Void)
        {
            return Kind.Nothing;
        }

        if (type is INamedTypeSymbol { TypeArguments.Length: 1 } task
            && (KnownTypes.Same(task.OriginalDefinition, known.Task) || KnownTypes.Same(task.OriginalDefinition, known.ValueTask)))
        {
            type = task.TypeArguments[0];
        }

        if (type.IsTupleType)
        {
            return Kind.Tuple;
        }

        var name = NameOf(type);
        return type.TypeKind is TypeKind.Error or TypeKind.Dynamic || type.SpecialType == SpecialType.System_Object || name is "Gristmill.Artifact" or "Gristmill.Engines.StageOutputs" ? Kind.Unknown
            : name is "Gristmill.ObjectRef" or "Gristmill.Engines.Dataset" || IsFlow(type) || IsBatches(type) ? Kind.Table
            : name == "Gristmill.ModelRef" ? Kind.Model
            : s_files.Contains(name) ? Kind.File
            : IsNumber(type) || IsMetrics(type) ? Kind.Metrics
            : Kind.Unknown;
    }

    /// <summary>The call of p.Run that a handle comes from, through variables and the methods that return their handle.</summary>
    public static StageCall? Producer(IOperation value, KnownTypes known)
    {
        for (var steps = 0; steps < 16; steps++)
        {
            switch (value)
            {
                case IConversionOperation conversion:
                    value = conversion.Operand;
                    break;
                case IInvocationOperation chained when KnownTypes.Same(chained.TargetMethod.ContainingType, known.HandleExtensions) && chained.Arguments.Length > 0:
                    value = chained.Instance ?? chained.Arguments[0].Value;
                    break;
                case IInvocationOperation invocation:
                    return StageCall.Of(invocation, known);
                case ILocalReferenceOperation local when Initializer(local) is { } initializer:
                    value = initializer;
                    break;
                default:
                    return null;
            }
        }

        return null;
    }

    public static bool IsHandle(ITypeSymbol? type, KnownTypes known)
    {
        for (; type is not null; type = type.BaseType)
        {
            if (KnownTypes.Same(type, known.Handle))
            {
                return true;
            }
        }

        return false;
    }

    public static string NameOf(ITypeSymbol? type) =>
        type is INamedTypeSymbol { IsGenericType: false } named ? named.ToDisplayString(SymbolDisplayFormat.CSharpErrorMessageFormat.WithMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.None)) : "";

    /// <summary>What a variable was first set to, unless it is set again anywhere.</summary>
    private static IOperation? Initializer(ILocalReferenceOperation reference)
    {
        if (reference.SemanticModel is not { } model || reference.Local.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax() is not { } syntax
            || syntax.SyntaxTree != model.SyntaxTree || model.GetOperation(syntax) is not IVariableDeclaratorOperation declarator)
        {
            return null;
        }

        var root = (IOperation)declarator;
        while (root.Parent is { } parent)
        {
            root = parent;
        }

        var setAgain = root.Descendants().OfType<IAssignmentOperation>().Any(a => a.Target is ILocalReferenceOperation target && KnownTypes.Same(target.Local, reference.Local));
        return setAgain ? null : declarator.GetVariableInitializer()?.Value;
    }

    /// <summary>Of a list or array, what is collected of the items of a loop; else null.</summary>
    public static ITypeSymbol? ItemOf(ITypeSymbol type) => type switch
    {
        IArrayTypeSymbol array => array.ElementType,
        INamedTypeSymbol { TypeArguments.Length: 1 } list when list.Name is "IReadOnlyList" or "IReadOnlyCollection" or "IEnumerable" or "IList" or "List" or "ImmutableArray" => list.TypeArguments[0],
        _ => null,
    };

    private static bool IsNumber(ITypeSymbol type) => type.SpecialType is >= SpecialType.System_SByte and <= SpecialType.System_Double;

    private static bool IsMetrics(ITypeSymbol type) =>
        type is INamedTypeSymbol { Name: "ImmutableDictionary", TypeArguments.Length: 2 } named
        && named.TypeArguments[0].SpecialType == SpecialType.System_String && named.TypeArguments[1].SpecialType == SpecialType.System_Double;

    private static bool IsFlow(ITypeSymbol? type) => type is not null && (NameOf(type) == "Gristmill.Data.DataFlow" || IsFlow(type.BaseType));

    private static bool IsBatches(ITypeSymbol type) => NameOf(type) == "Apache.Arrow.RecordBatch"
        || type is IArrayTypeSymbol { ElementType: var element } && NameOf(element) == "Apache.Arrow.RecordBatch"
        || type.AllInterfaces.Concat(type is INamedTypeSymbol named ? [named] : []).Any(i => i.TypeArguments.Length == 1 && NameOf(i.TypeArguments[0]) == "Apache.Arrow.RecordBatch");
}
