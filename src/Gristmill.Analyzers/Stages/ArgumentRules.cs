using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Gristmill.Analyzers.Stages;

/// <summary>GRM004 to GRM006: what a stage is given fits its parameters, and can be carried to where it runs.</summary>
internal static class ArgumentRules
{
    public static void Check(OperationAnalysisContext context, StageCall call, KnownTypes known)
    {
        var parameters = call.Method.Parameters.Where(p => !known.IsInjected(p.Type)).ToList();
        foreach (var parameter in parameters.Where(p => Kinds.Taken(p.Type) == Kind.Value))
        {
            if (JsonShape.Problem(parameter.Type) is { } problem)
            {
                Report(Rules.Json, call.Stage, parameter.Name, problem);
            }
        }

        if (call.Arguments is not { } arguments)
        {
            return;
        }

        if (arguments.Length > parameters.Count || arguments.Length < parameters.Count(p => !p.HasExplicitDefaultValue))
        {
            context.ReportDiagnostic(Diagnostic.Create(Rules.Arguments, call.Invocation.Syntax.GetLocation(), call.Name, string.Format(CultureInfo.InvariantCulture,
                "is given {0} arguments and takes {1}: {2}", arguments.Length, parameters.Count,
                parameters.Count == 0 ? "none" : string.Join(", ", parameters.Select(p => $"{p.Type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)} {p.Name}")))));
            return;
        }

        for (var i = 0; i < arguments.Length; i++)
        {
            Argument(arguments[i], parameters[i]);
        }

        void Argument(IOperation argument, IParameterSymbol parameter)
        {
            var (given, taken) = (Kinds.Given(argument, known), Kinds.Taken(parameter.Type));
            // The number that a stage returns is a metric, and a value where one is asked for.
            if (given == Kind.Unknown || taken == Kind.Unknown || (given == Kind.Metrics && taken == Kind.Value && KnownTypes.Same(argument.Type, known.CodeStage)))
            {
                return;
            }

            if (given != taken)
            {
                Report(Rules.Output, argument, argument.Syntax.ToString(), Kinds.Words(given), $"parameter '{parameter.Name}' of '{call.Name}'", Kinds.Words(taken));
            }
            else if (taken == Kind.Value && ValueShape.Problem(argument.Type, parameter.Type) is { } misfit
                // Outside of a loop, a value of its body is the list of what all items made.
                && !(argument.Type?.ContainingNamespace?.Name == "Gristmill" && Kinds.ItemOf(parameter.Type) is { } item && ValueShape.Problem(argument.Type, item) is null))
            {
                Report(Rules.Arguments, argument, argument.Syntax.ToString(), $"is {misfit}, and parameter '{parameter.Name}' of '{call.Name}' is {parameter.Type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)}");
            }
            else if (taken == Kind.Value && argument.Type is { } type && JsonShape.Problem(type) is { } problem)
            {
                Report(Rules.Json, argument, argument.Syntax.ToString(), problem);
            }
        }

        void Report(DiagnosticDescriptor rule, IOperation where, params object[] words) =>
            context.ReportDiagnostic(Diagnostic.Create(rule, where.Syntax.GetLocation(), words));
    }
}
