using Microsoft.CodeAnalysis;

namespace Gristmill.Analyzers.Stages;

/// <summary>Types that System.Text.Json surely cannot write and read back.</summary>
internal static class JsonShape
{
    private const int Deepest = 4;

    /// <summary>What a type is that JSON cannot carry, or null.</summary>
    public static string? Problem(ITypeSymbol type) => Problem(type, 0);

    private static string? Problem(ITypeSymbol type, int depth)
    {
        if (depth > Deepest || type.TypeKind is TypeKind.Error or TypeKind.TypeParameter or TypeKind.Dynamic)
        {
            return null;
        }

        switch (type)
        {
            case IArrayTypeSymbol { Rank: > 1 }:
                return "an array of several dimensions";
            case IArrayTypeSymbol array:
                return Problem(array.ElementType, depth + 1);
            case IPointerTypeSymbol or IFunctionPointerTypeSymbol:
                return "a pointer";
            case { TypeKind: TypeKind.Delegate } or { SpecialType: SpecialType.System_Delegate or SpecialType.System_MulticastDelegate }:
                return "a delegate";
            case { SpecialType: SpecialType.System_IntPtr or SpecialType.System_UIntPtr }:
                return "a native integer";
            case { IsRefLikeType: true }:
                return $"the ref struct {type.Name}";
        }

        for (var ancestor = type; ancestor is not null; ancestor = ancestor.BaseType)
        {
            switch (Kinds.NameOf(ancestor))
            {
                case "System.Type" or "System.Reflection.MemberInfo" or "System.Reflection.Assembly": return "metadata";
                case "System.IO.Stream" or "System.IO.TextReader" or "System.IO.TextWriter": return "a stream";
                case "System.Threading.Tasks.Task": return "a task";
                case "System.Runtime.InteropServices.SafeHandle": return "a handle of the operating system";
            }
        }

        if (type is not INamedTypeSymbol named || HasConverter(type))
        {
            return null;
        }

        if (type.AllInterfaces.Concat([named]).FirstOrDefault(i => i.OriginalDefinition.SpecialType == SpecialType.System_Collections_Generic_IEnumerable_T) is { } sequence)
        {
            return type.SpecialType == SpecialType.System_String ? null : Problem(sequence.TypeArguments[0], depth + 1);
        }

        if (type.TypeKind == TypeKind.Interface)
        {
            return IsFramework(type) ? null : $"the interface {type.Name}";
        }

        if (type is { TypeKind: TypeKind.Class, IsAbstract: true } && !IsFramework(type))
        {
            return $"the abstract class {type.Name}";
        }

        if (IsFramework(type))
        {
            return named.IsGenericType ? named.TypeArguments.Select(argument => Problem(argument, depth + 1)).FirstOrDefault(problem => problem is not null) : null;
        }

        return type.GetMembers().OfType<IPropertySymbol>()
            .Where(p => p is { DeclaredAccessibility: Accessibility.Public, IsStatic: false, IsIndexer: false, IsImplicitlyDeclared: false } && !IsIgnored(p))
            .Select(p => Problem(p.Type, depth + 1) is { } problem ? $"of a type whose {p.Name} is {problem}" : null)
            .FirstOrDefault(problem => problem is not null);
    }

    private static bool IsFramework(ITypeSymbol type) =>
        type.ContainingNamespace?.ToDisplayString() is { } space && (space == "System" || space.StartsWith("System.", StringComparison.Ordinal));

    private static bool HasConverter(ITypeSymbol type) => type.GetAttributes().Any(a => a.AttributeClass?.Name is "JsonConverterAttribute" or "JsonDerivedTypeAttribute" or "JsonPolymorphicAttribute");

    private static bool IsIgnored(IPropertySymbol property) => property.GetAttributes().Any(a => a.AttributeClass?.Name is "JsonIgnoreAttribute" or "JsonConverterAttribute");
}
