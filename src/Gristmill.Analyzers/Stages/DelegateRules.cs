using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Gristmill.Analyzers.Stages;

/// <summary>GRM001 to GRM003: a stage runs elsewhere, so it needs nothing but its arguments, and can be found by name.</summary>
internal static class DelegateRules
{
    /// <summary>Reports what is wrong with the delegate.</summary>
    /// <returns>Whether nothing is.</returns>
    public static bool Check(OperationAnalysisContext context, StageCall call)
    {
        if (TypeParameterOf(call.Method) is { } generic)
        {
            context.ReportDiagnostic(Diagnostic.Create(Rules.Generic, call.Stage.Syntax.GetLocation(), generic));
            return false;
        }

        switch (call.Stage)
        {
            case IMethodReferenceOperation { Method: { IsStatic: false, MethodKind: not MethodKind.LocalFunction } method }:
                context.ReportDiagnostic(Diagnostic.Create(Rules.Instance, call.Stage.Syntax.GetLocation(), method.Name));
                return false;
            case IAnonymousFunctionOperation lambda:
                return Captured(context, call, lambda.Symbol, lambda.Body);
            case IMethodReferenceOperation { Method: { MethodKind: MethodKind.LocalFunction, IsStatic: false } local }
                when context.Operation.SemanticModel is { } model && local.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax(context.CancellationToken) is LocalFunctionStatementSyntax syntax
                    && syntax.SyntaxTree == model.SyntaxTree && model.GetOperation(syntax, context.CancellationToken) is ILocalFunctionOperation { Body: { } body }:
                return Captured(context, call, local, body);
            default:
                return true;
        }
    }

    private static bool Captured(OperationAnalysisContext context, StageCall call, IMethodSymbol function, IOperation body)
    {
        var captured = Captures.Of(function, body);
        foreach (var symbol in captured)
        {
            context.ReportDiagnostic(Diagnostic.Create(Rules.Captures, call.Stage.Syntax.GetLocation(), symbol?.Name ?? "this"));
        }

        return captured.IsEmpty;
    }

    /// <summary>What is generic about it: the method, or a method or type around it.</summary>
    private static string? TypeParameterOf(IMethodSymbol method)
    {
        for (ISymbol? scope = method; scope is not null and not INamespaceSymbol; scope = scope.ContainingSymbol)
        {
            if (scope is IMethodSymbol { IsGenericMethod: true } or INamedTypeSymbol { IsGenericType: true })
            {
                return scope.Name;
            }
        }

        return null;
    }
}
