using System.Collections.Immutable;
using Gristmill.Analyzers.Names;
using Gristmill.Analyzers.Stages;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Gristmill.Analyzers;

/// <summary>Finds in the source what the definition of a pipeline would refuse when it runs, or a worker an hour later.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class PipelineAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = ImmutableArray.Create(
        Rules.Captures, Rules.Instance, Rules.Generic, Rules.Output, Rules.Arguments, Rules.Json, Rules.Order, Rules.Name, Rules.ParameterType);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            if (KnownTypes.Of(start.Compilation) is not { } known)
            {
                return;
            }

            start.RegisterOperationAction(operation => Invocation(operation, known), OperationKind.Invocation);
            start.RegisterOperationAction(operation => OutputRules.Conversion(operation, known), OperationKind.Conversion);
            start.RegisterOperationAction(operation => OutputRules.Property(operation, known), OperationKind.PropertyReference);
        });
    }

    private static void Invocation(OperationAnalysisContext context, KnownTypes known)
    {
        var invocation = (IInvocationOperation)context.Operation;
        NameRules.Check(context, invocation, known);
        OrderRules.Check(context, invocation, known);
        OutputRules.Sql(context, invocation, known);
        if (StageCall.Of(invocation, known) is not { } call)
        {
            return;
        }

        if (DelegateRules.Check(context, call))
        {
            ArgumentRules.Check(context, call, known);
        }
    }
}
