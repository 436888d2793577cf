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

        if (context.Request.Inputs.ContainsKey(name))
        {
            return Input(parameter, type, name, context);
        }

        return options.Arguments.TryGetValue(name, out var json) ? Argument(type, name, json, context, options) : Default(parameter, context, options);
    }

    private object Input(ParameterInfo parameter, Type type, string name, StageContext context)
    {
        if (type == typeof(Dataset))
        {
            return Own(new Dataset(context.Dataset(name)));
        }

        if (type == typeof(ObjectLease))
        {
            return Own(context.Dataset(name));
        }

        var artifact = context.Request.Inputs[name];
        return (artifact.Kind, artifact) switch
        {
            (ArtifactKind.Dataset, _) when type == typeof(ObjectRef) => artifact.Dataset!,
            (ArtifactKind.Model, _) when type == typeof(ModelRef) => artifact.Model!,
            (ArtifactKind.Model, _) when type == typeof(ModelInput) =>
                new ModelInput(artifact.Model!, context.Content.GetPath(artifact.Model!.Digest), context.Models),
            (ArtifactKind.Metrics, _) when type.IsAssignableFrom(typeof(ImmutableDictionary<string, double>)) => artifact.Metrics!,
            _ when type == typeof(Artifact) => artifact,
            _ => throw new GristmillException(ErrorCodes.TypeMismatch,
                $"Stage '{context.Request.Stage}': input '{name}' is a {artifact.Kind}, which parameter '{parameter}' cannot take.",
                "A dataset goes to Dataset, ObjectLease or ObjectRef; a model to ModelInput or ModelRef; metrics to ImmutableDictionary<string, double>.")
                .With("parameter", name),
        };
    }

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
