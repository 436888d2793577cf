using Gristmill.Analyzers.Stages;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Gristmill.Analyzers.Names;

/// <summary>GRM007: <c>first.After(second)</c> or <c>first.When(second["auc"] > 0.5)</c> where the second is defined after the first.</summary>
internal static class OrderRules
{
    public static void Check(OperationAnalysisContext context, IInvocationOperation invocation, KnownTypes known)
    {
        if (!KnownTypes.Same(invocation.TargetMethod.ContainingType, known.HandleExtensions) || invocation.TargetMethod.Name is not ("After" or "When")
            || invocation.Arguments.Length < 2 || Variable(invocation.Arguments[0].Value) is not { } waits)
        {
            return;
        }

        foreach (var reference in invocation.Arguments.Skip(1).SelectMany(a => a.Value.DescendantsAndSelf()).OfType<ILocalReferenceOperation>())
        {
            if (Kinds.IsHandle(reference.Type, known) && Position(reference.Local) is { } position && Position(waits) is { } own
                && KnownTypes.Same(reference.Local.ContainingSymbol, waits.ContainingSymbol) && (position > own || KnownTypes.Same(reference.Local, waits)))
            {
                context.ReportDiagnostic(Diagnostic.Create(Rules.Order, reference.Syntax.GetLocation(), waits.Name, reference.Local.Name));
            }
        }
    }

    /// <summary>The variable at the head of a chain; null where the stage is made in the chain itself.</summary>
    private static ILocalSymbol? Variable(IOperation value)
    {
        while (true)
        {
            switch (value)
            {
                case ILocalReferenceOperation local:
                    return local.Local;
                case IConversionOperation conversion:
                    value = conversion.Operand;
                    break;
                case IInvocationOperation { Arguments.Length: > 0, TargetMethod.IsExtensionMethod: true } chained:
                    value = chained.Arguments[0].Value;
                    break;
                default:
                    return null;
            }
        }
    }

    private static int? Position(ILocalSymbol local) => local.DeclaringSyntaxReferences.FirstOrDefault()?.Span.Start;
}
