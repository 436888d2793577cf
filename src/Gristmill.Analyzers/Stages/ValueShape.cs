using Microsoft.CodeAnalysis;

namespace Gristmill.Analyzers.Stages;

/// <summary>Values that surely cannot become what a parameter is: text for a number, a number for a list.</summary>
internal static class ValueShape
{
    private enum Shape
    {
        Unknown,
        Text,
        Number,
        Boolean,
        List,
    }

    private static readonly HashSet<string> s_lists =
    [
        "IEnumerable", "ICollection", "IReadOnlyCollection", "IList", "IReadOnlyList", "ISet", "IReadOnlySet", "List", "HashSet", "ImmutableArray", "ImmutableList", "ImmutableHashSet",
    ];

    /// <summary>What was given, if that cannot become the parameter's type; else null.</summary>
    public static string? Problem(ITypeSymbol? given, ITypeSymbol taken)
    {
        if (given is null)
        {
            return null;
        }

        // A pipeline's parameter has the shape of its values.
        var parameter = given is INamedTypeSymbol { Name: "Parameter", TypeArguments.Length: 1 } named && named.ContainingNamespace?.ToDisplayString() == "Gristmill" ? named.TypeArguments[0] : null;
        var (from, to) = (Of(parameter ?? given, written: true), Of(taken, written: false));
        if (from == Shape.Unknown || to == Shape.Unknown || from == to)
        {
            return null;
        }

        // "NaN" and "Infinity" are written as text.
        if (from == Shape.Text && IsFloat(taken))
        {
            return null;
        }

        return (parameter is null ? "" : "a parameter of ") + from switch
        {
            Shape.Text => "text",
            Shape.Number => "a number",
            Shape.Boolean => "true or false",
            _ => "a list",
        };
    }

    private static Shape Of(ITypeSymbol type, bool written)
    {
        type = type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable ? nullable.TypeArguments[0] : type;
        if (type.GetAttributes().Any(a => a.AttributeClass?.Name == "JsonConverterAttribute"))
        {
            return Shape.Unknown;
        }

        return type.SpecialType switch
        {
            SpecialType.System_String or SpecialType.System_Char or SpecialType.System_DateTime => Shape.Text,
            SpecialType.System_Boolean => Shape.Boolean,
            >= SpecialType.System_SByte and <= SpecialType.System_Double => Shape.Number,
            _ when type.TypeKind == TypeKind.Enum => Shape.Text,
            _ when type is IArrayTypeSymbol { ElementType.SpecialType: not SpecialType.System_Byte } || s_lists.Contains(type.Name) => Shape.List,
            _ => Kinds.NameOf(type) switch
            {
                "System.DateOnly" or "System.DateTimeOffset" or "System.TimeOnly" or "System.TimeSpan" or "System.Guid" or "System.Uri" => Shape.Text,
                "Gristmill.Secret" when written => Shape.Text,
                "Gristmill.Scalar" when written => Shape.Number,
                _ => Shape.Unknown,
            },
        };
    }

    private static bool IsFloat(ITypeSymbol type) => type.SpecialType is SpecialType.System_Single or SpecialType.System_Double;
}
