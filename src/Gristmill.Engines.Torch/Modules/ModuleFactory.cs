using System.Reflection;
using System.Text.Json;
using static TorchSharp.torch;

namespace Gristmill.Engines.Torch;

/// <summary>Constructs a user's module from its type and JSON arguments.</summary>
internal static class ModuleFactory
{
    /// <summary>Checks that <see cref="Create"/> will work, before a model is saved that could never be loaded.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>.</exception>
    public static void Require(Type type, string arguments) => _ = Match(type, arguments);

    /// <summary>Constructs the module.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>; <see cref="ErrorCodes.StageFailed"/> if the constructor throws.</exception>
    public static nn.Module<Tensor, Tensor> Create(Type type, string arguments)
    {
        var (constructor, values) = Match(type, arguments);
        try
        {
            return (nn.Module<Tensor, Tensor>)constructor.Invoke(values);
        }
        catch (TargetInvocationException e)
        {
            throw new GristmillException(ErrorCodes.StageFailed, $"The constructor of {type.FullName} threw {e.InnerException!.GetType().Name}: {TorchErrors.FirstLine(e.InnerException.Message)}",
                inner: e.InnerException);
        }
    }

    private static (ConstructorInfo Constructor, object?[] Values) Match(Type type, string arguments)
    {
        if (!typeof(nn.Module<Tensor, Tensor>).IsAssignableFrom(type) || type.IsAbstract)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{type.FullName} is no nn.Module<Tensor, Tensor>.");
        }

        using var json = JsonDocument.Parse(arguments);
        var given = json.RootElement.EnumerateArray().ToArray();
        foreach (var constructor in type.GetConstructors())
        {
            var parameters = constructor.GetParameters();
            if (parameters.Length < given.Length || parameters.Skip(given.Length).Any(p => !p.HasDefaultValue))
            {
                continue;
            }

            try
            {
                return (constructor, [.. parameters.Select((p, i) => i < given.Length ? given[i].Deserialize(p.ParameterType) : p.DefaultValue)]);
            }
            catch (Exception e) when (e is JsonException or NotSupportedException)
            {
                // Another constructor may take them.
            }
        }

        throw new GristmillException(ErrorCodes.Invalid, $"{type.FullName} has no public constructor that takes {arguments}.",
            "Pass what the module was constructed with as arguments: numbers, text, booleans or arrays of these.");
    }
}
