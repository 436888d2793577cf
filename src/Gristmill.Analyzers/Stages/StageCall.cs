using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Gristmill.Analyzers.Stages;

/// <summary>A method of the pipeline's builder that takes a stage as a delegate: <c>p.Run(Train, rows, 4)</c>.</summary>
internal sealed class StageCall
{
    private StageCall(IInvocationOperation invocation, IOperation stage, IMethodSymbol method, ImmutableArray<IOperation>? arguments)
    {
        Invocation = invocation;
        Stage = stage;
        Method = method;
        Arguments = arguments;
    }

    public IInvocationOperation Invocation { get; }

    /// <summary>The lambda (IAnonymousFunctionOperation) or method group (IMethodReferenceOperation).</summary>
    public IOperation Stage { get; }

    /// <summary>What it runs.</summary>
    public IMethodSymbol Method { get; }

    /// <summary>What it is given, without the conversion to StageArgument; null where that cannot be told, as in a variable.</summary>
    public ImmutableArray<IOperation>? Arguments { get; }

    /// <summary>What a person would call it.</summary>
    public string Name => Method.MethodKind == MethodKind.AnonymousFunction ? "The lambda" : Method.Name;

    /// <summary>Null where it is another call, or the delegate comes from a variable.</summary>
    public static StageCall? Of(IInvocationOperation invocation, KnownTypes known)
    {
        if (!KnownTypes.Same(invocation.TargetMethod.ContainingType, known.Builder)
            || invocation.Arguments.FirstOrDefault(a => KnownTypes.Same(a.Parameter?.Type, known.Delegate)) is not { } argument)
        {
            return null;
        }

        IOperation value = argument.Value;
        while (value is IConversionOperation conversion)
        {
            value = conversion.Operand;
        }

        value = value is IDelegateCreationOperation creation ? creation.Target : value;
        return value switch
        {
            IAnonymousFunctionOperation lambda => new StageCall(invocation, lambda, lambda.Symbol, Given(invocation, known)),
            IMethodReferenceOperation reference => new StageCall(invocation, reference, reference.Method, Given(invocation, known)),
            _ => null,
        };
    }

    private static ImmutableArray<IOperation>? Given(IInvocationOperation invocation, KnownTypes known)
    {
        // Flow methods may take arguments otherwise; only a params list of them is read.
        var list = invocation.Arguments.FirstOrDefault(a => a.Parameter is { IsParamsArray: true } or { IsParamsCollection: true });
        IOperation? value = list?.Value;
        while (value is IConversionOperation { OperatorMethod: null } conversion)
        {
            value = conversion.Operand;
        }

        IEnumerable<IOperation>? elements = value switch
        {
            ICollectionExpressionOperation collection => collection.Elements,
            IArrayCreationOperation { Initializer: { } initializer } => initializer.ElementValues,
            _ => null,
        };
        if (elements is null)
        {
            return null;
        }

        var given = ImmutableArray.CreateBuilder<IOperation>();
        foreach (var element in elements)
        {
            if (element is ISpreadOperation)
            {
                return null;
            }

            given.Add(Plain(element, known));
        }

        return given.ToImmutable();
    }

    /// <summary>What was written, before it became a StageArgument.</summary>
    private static IOperation Plain(IOperation element, KnownTypes known) => element switch
    {
        IConversionOperation { OperatorMethod: { } method } conversion when KnownTypes.Same(method.ContainingType, known.StageArgument) => Plain(conversion.Operand, known),
        IConversionOperation { OperatorMethod: null } conversion => Plain(conversion.Operand, known),
        IInvocationOperation { TargetMethod.Name: "Of" } of when KnownTypes.Same(of.TargetMethod.ContainingType, known.StageArgument) => Plain(of.Arguments[0].Value, known),
        _ => element,
    };
}
