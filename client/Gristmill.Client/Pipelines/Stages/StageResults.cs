using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Gristmill;

/// <summary>What a result of a user's method becomes.</summary>
internal enum ResultKind
{
    None,
    Table,
    Model,
    Metrics,
    Value,
    File,
    /// <summary>Known only in the run.</summary>
    Any,
}

/// <summary>What a user's method returns, by the rules of <see cref="CodeCallOptions"/>.</summary>
/// <param name="Kind">Of the result as a whole.</param>
/// <param name="Name">Of its output.</param>
/// <param name="Items">Elements of a tuple, else empty.</param>
/// <param name="Description">For errors.</param>
internal sealed record StageResults(ResultKind Kind, string Name, ImmutableArray<(string Name, ResultKind Kind)> Items, string Description)
{
    public static StageResults Of(MethodInfo method)
    {
        var type = Awaited(method.ReturnType);
        if (type.IsGenericType && type.FullName!.StartsWith("System.ValueTuple`", StringComparison.Ordinal))
        {
            var names = method.ReturnParameter.GetCustomAttribute<TupleElementNamesAttribute>()?.TransformNames;
            // The names of nested tuples follow those of the outer one.
            var items = type.GenericTypeArguments.Select((item, i) => (NameRules.Kebab(names?[i]) ?? $"item{i + 1}", KindOf(item)));
            return new StageResults(ResultKind.None, "out", [.. items], "a tuple") { _types = [.. type.GenericTypeArguments] };
        }

        var kind = KindOf(type);
        var description = kind switch
        {
            ResultKind.None => "nothing",
            ResultKind.Table => "a table",
            ResultKind.Model => "a model",
            ResultKind.Metrics => "numbers",
            ResultKind.Value => "a value",
            ResultKind.File => "a file",
            _ => "outputs known only in the run",
        };
        return new StageResults(kind, kind == ResultKind.Metrics ? "metrics" : "out", [], description) { _types = [type] };
    }

    private ImmutableArray<Type> _types = [];

    /// <summary>The element type of a list, or null where it is none or is not known.</summary>
    public Type? ElementOf(string output)
    {
        var type = Items.IsEmpty ? _types.FirstOrDefault() : Items.Zip(_types).FirstOrDefault(item => item.First.Name == output).Second;
        return type is null || type == typeof(object) || type == typeof(string) ? null
            : type.IsArray ? type.GetElementType()
            : type.GetInterfaces().Prepend(type).FirstOrDefault(static i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEnumerable<>))?.GenericTypeArguments[0];
    }

    private static Type Awaited(Type type) =>
        type == typeof(Task) || type == typeof(ValueTask) ? typeof(void)
        : type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(Task<>) || type.GetGenericTypeDefinition() == typeof(ValueTask<>))
            ? type.GenericTypeArguments[0]
        : type;

    // Types of the engines and of Arrow go by name: this library does not load them.
    private static ResultKind KindOf(Type type) =>
        type == typeof(void) ? ResultKind.None
        : type == typeof(ObjectRef) || IsNamed(type, "Gristmill.Engines.Dataset") || IsFlow(type) || IsBatches(type) ? ResultKind.Table
        : type == typeof(ModelRef) ? ResultKind.Model
        : type == typeof(Artifact) || IsNamed(type, "Gristmill.Engines.StageOutputs") || type == typeof(object) ? ResultKind.Any
        : type == typeof(FileRef) || type == typeof(FileInfo) ? ResultKind.File
        : CodeResults.IsMetrics(type) ? ResultKind.Metrics
        : ResultKind.Value;

    private static bool IsBatches(Type type) =>
        IsNamed(type, "Apache.Arrow.RecordBatch")
        || type.GetInterfaces().Prepend(type).Any(i => i.IsGenericType && i.GenericTypeArguments is [var item] && IsNamed(item, "Apache.Arrow.RecordBatch"));

    private static bool IsFlow(Type? type) => type is not null && (IsNamed(type, "Gristmill.Data.DataFlow") || IsFlow(type.BaseType));

    private static bool IsNamed(Type type, string name) => type.FullName == name;
}
