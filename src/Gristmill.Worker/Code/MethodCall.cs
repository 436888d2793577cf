using System.Reflection;
using System.Runtime.CompilerServices;
using Gristmill.Engines;

namespace Gristmill.Worker;

/// <summary>A user's method, found and ready to be bound and called.</summary>
internal sealed class MethodCall
{
    private readonly MethodInfo _method;
    private readonly object? _target;

    private MethodCall(MethodInfo method, object? target)
    {
        _method = method;
        _target = target;
    }

    /// <summary>Finds the method.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.CodeLoad"/>, naming the type or method that is not there or cannot be called.</exception>
    public static MethodCall Find(Assembly assembly, CodeCallOptions options)
    {
        var type = assembly.GetType(options.Type, throwOnError: false)
            ?? throw Fail($"The assembly '{assembly.GetName().Name}' has no type '{options.Type}'.", "Names are as in Type.FullName, with '+' before a nested type.", options);
        const BindingFlags All = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var named = type.GetMember(options.Method, MemberTypes.Method, All).Cast<MethodInfo>().ToArray();
        var fitting = options.Signature is { } signature
            ? [.. named.Where(m => m.GetParameters().Select(p => p.ParameterType.FullName ?? p.ParameterType.Name).SequenceEqual(signature))]
            : named;
        var method = fitting switch
        {
            [var one] => one,
            [] when named.Length > 0 => throw Fail($"No overload of '{options.Type}.{options.Method}' takes ({string.Join(", ", options.Signature!.Value)}).", null, options),
            [] => throw Fail($"The type '{options.Type}' has no method '{options.Method}'.", "It must be a static method or a lambda that captures nothing.", options),
            _ => throw Fail($"'{options.Type}.{options.Method}' has {fitting.Length} overloads.", "Give the parameters' types as 'signature'.", options),
        };
        if (method.ContainsGenericParameters)
        {
            throw Fail($"'{options.Type}.{options.Method}' is generic.", "A stage's method has no type parameters.", options);
        }

        return method.IsStatic ? new MethodCall(method, null) : new MethodCall(method, Closure(type, options));
    }

    /// <summary>A delegate of this process, with whatever it captures: a test's stand-in for a stage.</summary>
    public static MethodCall Of(Delegate method) => new(method.Method, method.Target);

    /// <summary>Binds the parameters to what the attempt brings.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/> or <see cref="ErrorCodes.TypeMismatch"/>, naming the parameter.</exception>
    public BoundArguments Bind(StageContext context, CodeCallOptions options, CancellationToken cancellationToken, bool takesAll = true) =>
        BoundArguments.Bind(_method, context, options, takesAll, cancellationToken);

    /// <summary>Calls the method and turns its result into outputs.</summary>
    public async Task<StageOutputs> InvokeAsync(BoundArguments arguments, StageContext context, CodeCallOptions options, CancellationToken cancellationToken)
    {
        var returned = _method.Invoke(_target, BindingFlags.DoNotWrapExceptions, null, arguments.Values, null);
        var (value, type) = await AwaitAsync(returned, _method.ReturnType).ConfigureAwait(false);
        return await ResultMapper.ToOutputsAsync(value, type, context, options.Outputs, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The compiler puts lambdas that capture nothing on one instance of a class with no state.</summary>
    private static object Closure(Type type, CodeCallOptions options)
    {
        if (!type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
            || type.GetConstructor(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, []) is not { } constructor
            || type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length > 0)
        {
            throw Fail($"'{options.Type}.{options.Method}' is not static, or captures variables.", "Pass values as parameters of the stage instead.", options);
        }

        return constructor.Invoke(null);
    }

    private static async Task<(object? Value, Type Type)> AwaitAsync(object? returned, Type type)
    {
        if (type == typeof(void))
        {
            return (null, typeof(void));
        }

        var generic = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        if (generic == typeof(ValueTask<>))
        {
            returned = type.GetMethod(nameof(ValueTask<int>.AsTask))!.Invoke(returned, null);
        }
        else if (returned is ValueTask plain)
        {
            await plain.ConfigureAwait(false);
            return (null, typeof(void));
        }

        if (returned is not Task task)
        {
            return (returned, type);
        }

        await task.ConfigureAwait(false);
        return generic == typeof(ValueTask<>) || generic == typeof(Task<>)
            ? (task.GetType().GetProperty(nameof(Task<int>.Result))!.GetValue(task), type.GetGenericArguments()[0])
            : (null, typeof(void));
    }

    private static GristmillException Fail(string message, string? hint, CodeCallOptions options) =>
        new GristmillException(ErrorCodes.CodeLoad, message, hint).With("type", options.Type).With("method", options.Method);
}
