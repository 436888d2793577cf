using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Gristmill.Analyzers.Stages;

/// <summary>What a lambda or local function uses of the scopes around it.</summary>
internal static class Captures
{
    /// <summary>Captured variables by name, 'this' among them, in the order of their first use.</summary>
    public static ImmutableArray<ISymbol?> Of(IMethodSymbol function, IOperation body)
    {
        var found = new List<ISymbol?>();
        Walk(function, body, found, new HashSet<ISymbol>(SymbolEqualityComparer.Default) { function });
        return found.ToImmutableArray();
    }

    /// <summary>Null stands for 'this'.</summary>
    private static void Walk(IMethodSymbol function, IOperation body, List<ISymbol?> found, HashSet<ISymbol> visited)
    {
        foreach (var operation in body.DescendantsAndSelf())
        {
            switch (operation)
            {
                case ILocalReferenceOperation { Local: { IsConst: false } local } when IsOuter(local, function):
                    Add(local);
                    break;
                case IParameterReferenceOperation { Parameter: var parameter } when IsOuter(parameter, function):
                    Add(parameter);
                    break;
                case IInstanceReferenceOperation { ReferenceKind: InstanceReferenceKind.ContainingTypeInstance }:
                    Add(null);
                    break;
                case IInvocationOperation { TargetMethod: { MethodKind: MethodKind.LocalFunction, IsStatic: false } called } when IsOuter(called, function) && visited.Add(called):
                    Into(called);
                    break;
                case IMethodReferenceOperation { Method: { MethodKind: MethodKind.LocalFunction, IsStatic: false } named } when IsOuter(named, function) && visited.Add(named):
                    Into(named);
                    break;
            }
        }

        void Add(ISymbol? symbol)
        {
            if (!found.Contains(symbol, SymbolEqualityComparer.Default))
            {
                found.Add(symbol);
            }
        }

        // A local function that is called brings what it captures.
        void Into(IMethodSymbol called)
        {
            if (body.SemanticModel is { } model && called.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax() is { } syntax
                && syntax.SyntaxTree == model.SyntaxTree && model.GetOperation(syntax) is ILocalFunctionOperation { Body: { } inner })
            {
                Walk(called, inner, found, visited);
            }
        }
    }

    /// <summary>Whether a symbol is declared outside the function, in a method (fields and types do not count).</summary>
    private static bool IsOuter(ISymbol symbol, IMethodSymbol function)
    {
        for (var scope = symbol.ContainingSymbol; scope is IMethodSymbol; scope = scope.ContainingSymbol)
        {
            if (KnownTypes.Same(scope, function))
            {
                return false;
            }
        }

        return true;
    }
}
