using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Operations;
using Microsoft.CodeAnalysis.Simplification;
using static Microsoft.CodeAnalysis.CSharp.SyntaxFactory;

namespace Gristmill.Analyzers;

/// <summary>GRM002: makes an instance method static that uses nothing of its instance.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(MakeStaticFix)), Shared]
public sealed class MakeStaticFix : CodeFixProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("GRM002");

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        var root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        var model = await context.Document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false);
        if (root?.FindNode(context.Span, getInnermostNodeForTie: true) is not ExpressionSyntax reference
            || model?.GetSymbolInfo(reference, context.CancellationToken) is not { } info
            || (info.Symbol ?? info.CandidateSymbols.FirstOrDefault()) is not IMethodSymbol { IsVirtual: false, IsOverride: false, IsAbstract: false } method
            || method.DeclaringSyntaxReferences.FirstOrDefault() is not { } declared
            || await declared.GetSyntaxAsync(context.CancellationToken).ConfigureAwait(false) is not MethodDeclarationSyntax declaration
            || context.Document.Project.Solution.GetDocument(declaration.SyntaxTree) is not { } home
            || await home.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false) is not { } homeModel
            || homeModel.GetOperation(declaration, context.CancellationToken) is not { } body
            || body.Descendants().OfType<IInstanceReferenceOperation>().Any(i => i.ReferenceKind == InstanceReferenceKind.ContainingTypeInstance))
        {
            return;
        }

        context.RegisterCodeFix(
            CodeAction.Create($"Make '{method.Name}' static", async cancellationToken =>
            {
                var editor = new SolutionEditor(context.Document.Project.Solution);
                var there = await editor.GetDocumentEditorAsync(home.Id, cancellationToken).ConfigureAwait(false);
                there.SetModifiers(declaration, there.Generator.GetModifiers(declaration).WithIsStatic(true));
                if (reference is MemberAccessExpressionSyntax access)
                {
                    var here = await editor.GetDocumentEditorAsync(context.Document.Id, cancellationToken).ConfigureAwait(false);
                    here.ReplaceNode(access, access.WithExpression(ParseTypeName(method.ContainingType.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat))
                        .WithAdditionalAnnotations(Simplifier.Annotation).WithLeadingTrivia(access.GetLeadingTrivia())));
                }

                return editor.GetChangedSolution();
            }, nameof(MakeStaticFix)),
            context.Diagnostics);
    }
}
