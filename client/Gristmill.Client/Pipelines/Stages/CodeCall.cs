using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>A user's method with its arguments bound, checked at definition so that a run does not fail an hour later.</summary>
internal sealed class CodeCall
{
    private static readonly string[] Injected = ["Gristmill.Engines.StageContext", "System.Threading.CancellationToken", "Gristmill.ExitStatus"];
    private static readonly string[] Tables = ["Gristmill.Engines.Dataset", "Gristmill.Objects.ObjectLease", "Gristmill.ObjectRef"];
    private static readonly string[] Models = ["Gristmill.Engines.ModelInput", "Gristmill.ModelRef"];
    private static readonly string[] Files = ["Gristmill.Engines.FileInput", "Gristmill.FileRef", "System.IO.FileInfo"];

    private readonly MethodInfo _method;

    private CodeCall(MethodInfo method, List<(ParameterInfo, StageArgument)> arguments)
    {
        _method = method;
        Arguments = arguments;
        Results = StageResults.Of(method);
        var name = PlainName(method.Name);
        StageName = name is { Length: > 5 } && name.EndsWith("Async", StringComparison.Ordinal) ? name[..^5] : name;
    }

    /// <summary>The name in the source without "Async", or null for a lambda.</summary>
    public string? StageName { get; }

    public StageResults Results { get; }

    public IReadOnlyList<(ParameterInfo Parameter, StageArgument Argument)> Arguments { get; }

    /// <summary>Parameters that cannot be left without a value.</summary>
    public IReadOnlyCollection<string> RequiredInputs => [.. _method.GetParameters().Where(static p => !IsOptional(p)).Select(static p => p.Name!)];

    public static CodeCall Bind(Delegate stage, ReadOnlySpan<StageArgument> arguments)
    {
        var method = stage.Method;
        var name = PlainName(method.Name) ?? "the lambda";
        CodeRules.RequireStateless(stage, name);

        var bound = new List<(ParameterInfo, StageArgument)>();
        var next = 0;
        foreach (var parameter in method.GetParameters())
        {
            if (IsInjected(parameter.ParameterType))
            {
                continue;
            }

            if (next < arguments.Length)
            {
                bound.Add((parameter, arguments[next++]));
            }
            else if (!parameter.HasDefaultValue)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"{name} was given no value for its parameter '{parameter.Name}'.",
                    $"It takes: {Signature(method)}.");
            }
        }

        return next == arguments.Length
            ? new CodeCall(method, bound)
            : throw new GristmillException(ErrorCodes.Invalid, $"{name} was given {arguments.Length} arguments and takes {next}.",
                $"It takes: {Signature(method)}.");
    }

    public JsonObject WriteOptions(StageNode node)
    {
        var type = _method.DeclaringType!;
        var overloaded = type.GetMember(_method.Name, MemberTypes.Method,
            BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length > 1;
        // What is collected from a loop is an input in place of an argument.
        var values = Arguments.Where(a => a.Argument.Write is not null && !node.Inputs.ContainsKey(a.Parameter.Name!)).Select(static a => KeyValuePair.Create(a.Parameter.Name!, a.Argument.Write!()));
        var json = new JsonObject
        {
            ["assembly"] = type.Assembly.GetName().Name,
            ["type"] = type.FullName,
            ["method"] = _method.Name,
        };
        var arguments = new JsonObject(values);
        json.Set("arguments", arguments.Count > 0 ? arguments : null);
        json.Set("signature", overloaded ? _method.GetParameters().Select(p => p.ParameterType.FullName!).ToArray() : null);
        return json.Set("outputs", Results.Items.IsEmpty ? null : Results.Items.Select(i => i.Name).ToArray());
    }

    private static bool IsInjected(Type type) => Injected.Contains(type.FullName) || type == typeof(IProgress<StageProgress>);

    /// <summary>Refuses an argument that its parameter cannot take.</summary>
    public void RequireFits(ParameterInfo parameter, StageArgument argument, StageNode node)
    {
        var source = argument.Handle?.Node ?? argument.Scalar?.Node;
        var collects = source is not null && node.Collects(source);
        var type = parameter.ParameterType;
        if (collects)
        {
            type = ElementType(type) ?? throw Refuse(parameter,
                $"is a {Name(type)}, but stage '{source!.Label}' makes one thing for each item of loop '{source.Loop!.Label}'", "Make it a list, such as IReadOnlyList<Dataset>.");
        }

        var wanted = Wanted(type);
        if (argument.Handle is { } handle)
        {
            // The conversion of a CodeStage throws by itself where it returns something else.
            var given = handle switch
            {
                Table => "table",
                Model => "model",
                MetricSet => "set of metrics",
                StageFile => "file",
                StageValue => "value",
                CodeStage code => Convert(code, wanted),
                _ => "stage",
            };
            if (given != wanted)
            {
                throw Refuse(parameter, $"is a {Name(type)}, but a {given} was given", "Pass what the parameter takes.");
            }
        }
        else if (argument.IsSecret && type != typeof(string))
        {
            throw Refuse(parameter, $"is a {Name(type)}, but a secret is a text", "Make it a string.");
        }
        else if (wanted != "value")
        {
            throw Refuse(parameter, $"takes a {wanted}, but a value was given", "Pass the handle of an earlier stage.");
        }
        else if (argument.Literal is { } literal)
        {
            try
            {
                JsonSerializer.SerializeToNode(literal, literal.GetType(), GristmillJson.Options).Deserialize(type, GristmillJson.Options);
            }
            catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
            {
                throw Refuse(parameter, $"is a {Name(type)}, and {literal} is none", "Pass a value of that type.");
            }
        }
        else if (argument.Type is { } given && !Fits(given, type))
        {
            throw Refuse(parameter, $"is a {Name(type)}, but a {Name(given)} was given", "Pass a value of that type.");
        }
    }

    private GristmillException Refuse(ParameterInfo parameter, string problem, string hint) =>
        new(ErrorCodes.Invalid, $"{PlainName(_method.Name) ?? "the lambda"}: its parameter '{parameter.Name}' {problem}.", hint);

    private static string Wanted(Type type) =>
        Tables.Contains(type.FullName) ? "table"
        : Models.Contains(type.FullName) ? "model"
        : Files.Contains(type.FullName) ? "file"
        : type == typeof(ImmutableDictionary<string, double>) ? "set of metrics"
        : "value";

    private static bool Fits(Type given, Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        given = Nullable.GetUnderlyingType(given) ?? given;
        return type.IsAssignableFrom(given)
            // JSON has one kind of numbers and one of text: what can go wrong there shows in the run.
            || (CodeResults.IsNumber(type) && CodeResults.IsNumber(given))
            || given == typeof(string) || given.IsEnum || type.IsEnum
            || (!type.IsPrimitive && type != typeof(string) && !given.IsPrimitive);
    }

    /// <summary>The element type of a parameter that takes a list, or null.</summary>
    private static Type? ElementType(Type type) =>
        type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GenericTypeArguments is [var item] && type.IsAssignableFrom(item.MakeArrayType()) ? item
        : type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(List<>) || type.GetGenericTypeDefinition() == typeof(ImmutableArray<>)) ? type.GenericTypeArguments[0]
        : null;

    private static bool IsOptional(ParameterInfo parameter) =>
        parameter.HasDefaultValue
        || (parameter.ParameterType.IsValueType
            ? Nullable.GetUnderlyingType(parameter.ParameterType) is not null
            : new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable);

    private static string Name(Type type) => type.IsGenericType
        ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GenericTypeArguments.Select(Name))}>"
        : type.Name;

    private static string Convert(CodeStage code, string wanted)
    {
        _ = wanted switch
        {
            "table" => (StageHandle)code.Table,
            "model" => code.Model,
            "file" => code.File,
            "set of metrics" => code.Metrics,
            _ => code.Value,
        };
        return wanted;
    }

    private static string Signature(MethodInfo method) =>
        string.Join(", ", method.GetParameters().Where(p => !IsInjected(p.ParameterType)).Select(p => $"{p.ParameterType.Name} {p.Name}"));

    /// <summary>A local function is compiled as "&lt;Main&gt;g__Name|0_1", a lambda as "&lt;Main&gt;b__0_1".</summary>
    private static string? PlainName(string name)
    {
        var local = name.IndexOf("g__", StringComparison.Ordinal);
        return !name.StartsWith('<') ? name
            : local >= 0 && name.IndexOf('|', local) is > 0 and var end ? name[(local + 3)..end]
            : null;
    }
}
