using System.Collections.Immutable;
using System.Composition;
using Gristmill.Analyzers.Stages;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Formatting;
using Microsoft.CodeAnalysis.Operations;
using Microsoft.CodeAnalysis.Simplification;
using static Microsoft.CodeAnalysis.CSharp.SyntaxFactory;

namespace Gristmill.Analyzers;

/// <summary>GRM001: gives a lambda a parameter for each captured variable, passes the variables as arguments, and makes the lambda static.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(PassAsArgumentFix)), Shared]
public sealed class PassAsArgumentFix : CodeFixProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("GRM001");

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        var root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        var model = await context.Document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false);
        if (root?.FindNode(context.Span, getInnermostNodeForTie: true)?.FirstAncestorOrSelf<ParenthesizedLambdaExpressionSyntax>() is not { } lambda
            || lambda.FirstAncestorOrSelf<InvocationExpressionSyntax>() is not { } call
            || model?.GetOperation(lambda, context.CancellationToken) is not IAnonymousFunctionOperation { Symbol: var function, Body: var body })
        {
            return;
        }

        var captured = Captures.Of(function, body);
        // 'this' cannot be passed, and a parameter with a default would stand before those that are added.
        if (captured.IsEmpty || captured.Contains(null) || function.Parameters.Any(p => p.HasExplicitDefaultValue || p.IsParams))
        {
            return;
        }

        var variables = captured.OfType<ISymbol>().ToImmutableArray();
        context.RegisterCodeFix(
            CodeAction.Create($"Pass {string.Join(", ", variables.Select(v => $"'{v.Name}'"))} as argument{(variables.Length > 1 ? "s" : "")}",
                cancellationToken => PassAsync(context.Document, lambda, call, variables, cancellationToken), nameof(PassAsArgumentFix)),
            context.Diagnostics);
    }

    private static async Task<Document> PassAsync(Document document, ParenthesizedLambdaExpressionSyntax lambda, InvocationExpressionSyntax call,
        ImmutableArray<ISymbol> variables, CancellationToken cancellationToken)
    {
        var root = (await document.GetSyntaxRootAsync(cancellationToken).ConfigureAwait(false))!;
        var model = (await document.GetSemanticModelAsync(cancellationToken).ConfigureAwait(false))!;
        var argument = model.Compilation.GetTypeByMetadataName("Gristmill.StageArgument");
        var parameters = lambda.ParameterList.AddParameters([.. variables.Select(variable =>
            Parameter(Identifier(variable.Name)).WithType(ParseTypeName(Name(TypeOf(variable))).WithTrailingTrivia(Space)))]);
        var modifiers = lambda.Modifiers.Any(SyntaxKind.StaticKeyword) ? lambda.Modifiers : lambda.Modifiers.Insert(0, Token(SyntaxKind.StaticKeyword).WithTrailingTrivia(Space));
        var passed = variables.Select(variable => Argument(IsArgument(TypeOf(variable))
            ? IdentifierName(variable.Name)
            : InvocationExpression(
                MemberAccessExpression(SyntaxKind.SimpleMemberAccessExpression, ParseName("global::Gristmill.StageArgument").WithAdditionalAnnotations(Simplifier.Annotation), IdentifierName("Of")),
                ArgumentList(SingletonSeparatedList(Argument(IdentifierName(variable.Name)))))));

        var rewritten = call.ReplaceNode(lambda, lambda.WithParameterList(parameters.WithAdditionalAnnotations(Formatter.Annotation)).WithModifiers(modifiers).WithLeadingTrivia(lambda.GetLeadingTrivia()));
        rewritten = rewritten.WithArgumentList(rewritten.ArgumentList.AddArguments([.. passed]));
        return document.WithSyntaxRoot(root.ReplaceNode(call, rewritten.WithAdditionalAnnotations(Formatter.Annotation)));

        bool IsArgument(ITypeSymbol type) => argument is not null && model.Compilation.ClassifyConversion(type, argument) is { Exists: true, IsImplicit: true };

        string Name(ITypeSymbol type) => type.ToMinimalDisplayString(model, lambda.SpanStart);
    }

    private static ITypeSymbol TypeOf(ISymbol symbol) => symbol is ILocalSymbol local ? local.Type : ((IParameterSymbol)symbol).Type;
}
