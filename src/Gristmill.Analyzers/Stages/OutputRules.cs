using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Gristmill.Analyzers.Stages;

/// <summary>GRM004 where a stage of one's own code is taken for a table, a model or metrics that its method does not return.</summary>
internal static class OutputRules
{
    /// <summary><c>Model model = p.Run(CountRows, rows);</c></summary>
    public static void Conversion(OperationAnalysisContext context, KnownTypes known)
    {
        var conversion = (IConversionOperation)context.Operation;
        if (conversion.OperatorMethod is { } method && KnownTypes.Same(method.ContainingType, known.CodeStage))
        {
            Check(context, conversion.Operand, KindOf(conversion.Type), known);
        }
    }

    /// <summary><c>p.Run(CountRows, rows).Model</c></summary>
    public static void Property(OperationAnalysisContext context, KnownTypes known)
    {
        var property = (IPropertyReferenceOperation)context.Operation;
        if (property.Instance is { } instance && KnownTypes.Same(property.Property.ContainingType, known.CodeStage))
        {
            Check(context, instance, KindOf(property.Type), known);
        }
    }

    /// <summary>A stage between the braces of a query.</summary>
    public static void Sql(OperationAnalysisContext context, IInvocationOperation invocation, KnownTypes known)
    {
        if (invocation.TargetMethod is { Name: "AppendFormatted", ContainingType: { Name: "SqlText" } owner } && Kinds.NameOf(owner) == "Gristmill.SqlText"
            && invocation.Arguments.FirstOrDefault()?.Value is { } value && KnownTypes.Same(value.Type, known.CodeStage))
        {
            Check(context, value, Kind.Table, known);
        }
    }

    private static void Check(OperationAnalysisContext context, IOperation stage, Kind taken, KnownTypes known)
    {
        var given = Kinds.Given(stage, known);
        if (taken != Kind.Unknown && given != Kind.Unknown && given != taken)
        {
            context.ReportDiagnostic(Diagnostic.Create(Rules.Output, stage.Syntax.GetLocation(), stage.Syntax.ToString(), Kinds.Words(given), "what uses it", Kinds.Words(taken)));
        }
    }

    private static Kind KindOf(ITypeSymbol? type) => Kinds.NameOf(type) switch
    {
        "Gristmill.Table" => Kind.Table,
        "Gristmill.Model" => Kind.Model,
        "Gristmill.MetricSet" => Kind.Metrics,
        _ => Kind.Unknown,
    };
}
