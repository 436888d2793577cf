using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Gristmill.Analyzers.Names;

/// <summary>GRM008 and GRM009: names and types of pipelines, stages, loops, groups, parameters, secrets and models.</summary>
internal static class NameRules
{
    // As Gristmill.GristmillName.
    private static readonly Regex s_name = new(@"\A[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}\z", RegexOptions.CultureInvariant);

    public static void Check(OperationAnalysisContext context, IInvocationOperation invocation, KnownTypes known)
    {
        var method = invocation.TargetMethod;
        var ours = method.Name switch
        {
            "Parameter" or "Register" or "ForEach" or "Group" or "Include" or "Secret" => KnownTypes.Same(method.ContainingType, known.Builder),
            "Create" => KnownTypes.Same(method.ContainingType, known.Pipeline),
            "Named" => KnownTypes.Same(method.ContainingType, known.HandleExtensions),
            _ => false,
        };
        if (!ours)
        {
            return;
        }

        var name = invocation.Arguments.FirstOrDefault(a => a.Parameter?.Name == "name")?.Value;
        if (name is { ConstantValue: { HasValue: true, Value: string text } } && !s_name.IsMatch(text))
        {
            context.ReportDiagnostic(Diagnostic.Create(Rules.Name, name.Syntax.GetLocation(), text));
        }

        if (method is { Name: "Parameter", TypeArguments.Length: 1 } && method.TypeArguments[0] is var type && !CanBe(type, known))
        {
            context.ReportDiagnostic(Diagnostic.Create(Rules.ParameterType, invocation.Syntax.GetLocation(), name?.ConstantValue.Value ?? name?.Syntax.ToString(),
                type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)));
        }
    }

    // As Gristmill.ParameterTypes: of these but truth values and instants there are lists.
    private static bool CanBe(ITypeSymbol type, KnownTypes known) => type switch
    {
        { TypeKind: TypeKind.Error or TypeKind.TypeParameter } => true,
        IArrayTypeSymbol { Rank: 1, ElementType: var item } => item.TypeKind is not TypeKind.Array && CanBe(item, known)
            && item is not { SpecialType: SpecialType.System_Boolean or SpecialType.System_DateTime } and not { Name: "DateTimeOffset" },
        _ => known.ParameterTypes.Contains(type) || type.SpecialType is SpecialType.System_String or SpecialType.System_Boolean
            or SpecialType.System_Int32 or SpecialType.System_Int64 or SpecialType.System_Single or SpecialType.System_Double,
    };
}
