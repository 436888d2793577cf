using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>Argument values of one call; disposing ends the leases on the datasets.</summary>
internal sealed class BoundArguments : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    private BoundArguments(int count) => Values = new object?[count];

    /// <summary>One value a parameter.</summary>
    public object?[] Values { get; }

    /// <summary>Binds every parameter by the rules of <see cref="CodeCallOptions"/>.</summary>
    /// <param name="method">The method.</param>
    /// <param name="context">The attempt.</param>
    /// <param name="options">The call.</param>
    /// <param name="takesAll">Whether an input or argument without a parameter is an error.</param>
    /// <param name="cancellationToken">Handed to the method.</param>
    public static BoundArguments Bind(MethodInfo method, StageContext context, CodeCallOptions options, bool takesAll, CancellationToken cancellationToken)
    {
        var parameters = method.GetParameters();
        var bound = new BoundArguments(parameters.Length);
        try
        {
            var unused = new HashSet<string>(context.Request.Inputs.Keys.Concat(options.Arguments.Keys), StringComparer.Ordinal);
            foreach (var parameter in parameters)
            {
                bound.Values[parameter.Position] = bound.Value(parameter, context, options, cancellationToken);
                unused.Remove(parameter.Name ?? "");
            }

            return unused.Count == 0 || !takesAll
                ? bound
                : throw new GristmillException(ErrorCodes.Invalid,
                    $"'{options.Type}.{options.Method}' has no parameter '{unused.Order(StringComparer.Ordinal).First()}'.",
                    $"Its parameters are: {string.Join(", ", parameters.Select(p => p.Name))}.");
        }
        catch
        {
            bound.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var owned in _owned)
        {
            owned.Dispose();
        }

        _owned.Clear();
    }

    private object? Value(ParameterInfo parameter, StageContext context, CodeCallOptions options, CancellationToken cancellationToken)
    {
        var (type, name) = (parameter.ParameterType, parameter.Name ?? "");
        if (type == typeof(StageContext))
        {
            return context;
        }

        if (type == typeof(CancellationToken))
        {
            return cancellationToken;
        }

        if (type == typeof(IProgress<StageProgress>))
        {
            return context.Progress ?? NoProgress.Instance;
        }

        if (type == typeof(ExitStatus))
        {
            return context.Request.Exit ?? Default(parameter, context, options);
        }

        if (context.Request.Inputs.TryGetValue(name, out var artifact))
        {
            return artifact.Collection is { } collection
                ? Collected(parameter, collection, context, options)
                : Input(parameter, type, artifact, null, context, options);
        }

        // What a failed stage would have given is null: the parameter's default takes its place.
        return options.Arguments.TryGetValue(name, out var json) && (json.ValueKind != JsonValueKind.Null || !parameter.HasDefaultValue)
            ? Argument(type, name, json, context, options)
            : Default(parameter, context, options);
    }

    /// <summary>A list of what a loop's items made. Where its elements can be null, one stands for an item whose stage was skipped.</summary>
    private object Collected(ParameterInfo parameter, CollectionRef collection, StageContext context, CodeCallOptions options)
    {
        var (type, nullable) = Element(parameter);
        if (type is null)
        {
            throw Unfit(parameter, $"the outputs of all items of stage '{collection.Stage}'", context);
        }

        var artifacts = (collection.Items ?? []).Where(artifact => artifact is not null || nullable).ToList();
        var items = Array.CreateInstance(type, artifacts.Count);
        for (var i = 0; i < artifacts.Count; i++)
        {
            items.SetValue(artifacts[i] is { } artifact ? Input(parameter, type, artifact, collection.Metric, context, options) : null, i);
        }

        return parameter.ParameterType.IsInstanceOfType(items)
            ? items
            : parameter.ParameterType.GetGenericTypeDefinition() == typeof(List<>)
                ? Activator.CreateInstance(parameter.ParameterType, items)!
                : typeof(ImmutableArray).GetMethods().Single(static m => m.Name == nameof(ImmutableArray.Create) && m.GetParameters() is [{ ParameterType.IsArray: true }])
                    .MakeGenericMethod(type).Invoke(null, [items])!;
    }

    private static (Type? Type, bool Nullable) Element(ParameterInfo parameter)
    {
        var list = parameter.ParameterType;
        var info = new NullabilityInfoContext().Create(parameter);
        var (type, state) = list.IsArray ? (list.GetElementType(), info.ElementType?.ReadState)
            : list.IsGenericType && list.GenericTypeArguments is [var item]
                && (list.IsAssignableFrom(item.MakeArrayType()) || list.GetGenericTypeDefinition() == typeof(List<>) || list.GetGenericTypeDefinition() == typeof(ImmutableArray<>))
                ? (item, info.GenericTypeArguments[0].ReadState)
            : (null, null);
        return (type, type is { IsValueType: true } ? Nullable.GetUnderlyingType(type) is not null : state == NullabilityState.Nullable);
    }

    private object Input(ParameterInfo parameter, Type type, Artifact artifact, string? metric, StageContext context, CodeCallOptions options)
    {
        if (artifact.Dataset is { } table && (type == typeof(Dataset) || type == typeof(ObjectLease)))
        {
            var lease = context.Objects.Get(table);
            return type == typeof(Dataset) ? Own(new Dataset(lease)) : Own(lease);
        }

        return (artifact.Kind, artifact) switch
        {
            (ArtifactKind.Value, _) when type != typeof(Artifact) => Value(parameter, type, artifact.Value!, context, options),
            (ArtifactKind.File, _) when type == typeof(FileRef) => artifact.File!,
            (ArtifactKind.File, _) when type == typeof(FileInput) => context.File(artifact.File!),
            (ArtifactKind.File, _) when type == typeof(FileInfo) => new FileInfo(context.File(artifact.File!).Path),
            (ArtifactKind.Metrics, _) when metric is not null && CodeResults.IsNumber(type) => Number(parameter, type, artifact.Metrics!, metric, context),
            (ArtifactKind.Dataset, _) when type == typeof(ObjectRef) => artifact.Dataset!,
            (ArtifactKind.Model, _) when type == typeof(ModelRef) => artifact.Model!,
            (ArtifactKind.Model, _) when type == typeof(ModelInput) =>
                new ModelInput(artifact.Model!, context.Content.GetPath(artifact.Model!.Digest), context.Models),
            (ArtifactKind.Metrics, _) when type.IsAssignableFrom(typeof(ImmutableDictionary<string, double>)) => artifact.Metrics!,
            _ when type == typeof(Artifact) => artifact,
            _ => throw Unfit(parameter, $"a {artifact.Kind}", context),
        };
    }

    private static object Value(ParameterInfo parameter, Type type, ValueRef value, StageContext context, CodeCallOptions options)
    {
        using var json = JsonDocument.Parse(value.Json ?? throw new InvalidOperationException($"The value of '{parameter.Name}' was not fetched."));
        return Argument(type, parameter.Name!, json.RootElement, context, options)!;
    }

    private static object Number(ParameterInfo parameter, Type type, ImmutableDictionary<string, double> metrics, string metric, StageContext context) =>
        metrics.TryGetValue(metric, out var number)
            ? Convert.ChangeType(number, Nullable.GetUnderlyingType(type) ?? type, System.Globalization.CultureInfo.InvariantCulture)
            : throw Unfit(parameter, $"metrics without '{metric}' ({string.Join(", ", metrics.Keys.Order(StringComparer.Ordinal).Take(20))})", context);

    private static GristmillException Unfit(ParameterInfo parameter, string what, StageContext context) =>
        new GristmillException(ErrorCodes.TypeMismatch,
            $"Stage '{context.Request.Stage}': input '{parameter.Name}' is {what}, which parameter '{parameter}' cannot take.",
            "A dataset goes to Dataset, ObjectLease or ObjectRef; a model to ModelInput or ModelRef; a file to FileInput, FileRef or FileInfo; metrics to "
            + "ImmutableDictionary<string, double>; what a loop made to a list of these, such as IReadOnlyList<Dataset>.")
            .With("parameter", parameter.Name ?? "");

    private static object? Argument(Type type, string name, JsonElement json, StageContext context, CodeCallOptions options)
    {
        try
        {
#pragma warning disable CA1869 // A shared instance would keep the user's types, and so their assembly, alive.
            return json.Deserialize(type, new JsonSerializerOptions(StageJson.Options));
#pragma warning restore CA1869
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            throw new GristmillException(ErrorCodes.TypeMismatch,
                $"Stage '{context.Request.Stage}': argument '{name}' of '{options.Type}.{options.Method}' is {Short(json)}, not a {type.Name}.",
                "Give a value of the parameter's type.", e).With("parameter", name);
        }
    }

    private static object? Default(ParameterInfo parameter, StageContext context, CodeCallOptions options)
    {
        if (parameter.HasDefaultValue)
        {
            // Reflection gives null for the default of a value type.
            return parameter.DefaultValue ?? (parameter.ParameterType.IsValueType ? Activator.CreateInstance(parameter.ParameterType) : null);
        }

        return IsNullable(parameter)
            ? null
            : throw new GristmillException(ErrorCodes.Invalid,
                $"Stage '{context.Request.Stage}': nothing is given for parameter '{parameter.Name}' ({parameter.ParameterType.Name}) of '{options.Type}.{options.Method}'.",
                "Connect an input or give an argument of that name.").With("parameter", parameter.Name ?? "");
    }

    private static bool IsNullable(ParameterInfo parameter)
    {
        if (parameter.ParameterType.IsValueType)
        {
            return Nullable.GetUnderlyingType(parameter.ParameterType) is not null;
        }

        return new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable;
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private static string Short(JsonElement json)
    {
        var text = json.GetRawText();
        return text.Length <= 60 ? text : text[..57] + "...";
    }

    private sealed class NoProgress : IProgress<StageProgress>
    {
        public static NoProgress Instance { get; } = new();

        public void Report(StageProgress value)
        {
        }
    }
}
