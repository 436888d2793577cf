using System.Collections.Immutable;
using System.Composition;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using static Microsoft.CodeAnalysis.CSharp.SyntaxFactory;

namespace Gristmill.Analyzers;

/// <summary>GRM008: replaces what a name cannot have by '-'.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(CorrectNameFix)), Shared]
public sealed class CorrectNameFix : CodeFixProvider
{
    private const int Longest = 64;

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("GRM008");

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        var root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        if (root?.FindNode(context.Span, getInnermostNodeForTie: true) is not LiteralExpressionSyntax literal || !literal.IsKind(SyntaxKind.StringLiteralExpression)
            || Correct(literal.Token.ValueText) is not { } name)
        {
            return;
        }

        context.RegisterCodeFix(
            CodeAction.Create($"Use '{name}'",
                _ => Task.FromResult(context.Document.WithSyntaxRoot(root.ReplaceNode(literal, literal.WithToken(Literal(name).WithTriviaFrom(literal.Token))))),
                nameof(CorrectNameFix)),
            context.Diagnostics);
    }

    private static string? Correct(string text)
    {
        var name = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            var letter = c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9');
            if (letter || (name.Length > 0 && c is '-' or '_' or '.'))
            {
                name.Append(c);
            }
            else if (name.Length > 0 && name[name.Length - 1] != '-')
            {
                name.Append('-');
            }
        }

        var result = name.ToString(0, Math.Min(name.Length, Longest)).TrimEnd('-');
        return result.Length == 0 ? null : result;
    }
}
