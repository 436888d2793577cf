using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>A user's method with its arguments bound, checked at definition so that a run does not fail an hour later.</summary>
internal sealed class CodeCall
{
    private static readonly string[] Injected = ["Gristmill.Engines.StageContext", "System.Threading.CancellationToken"];
    private static readonly string[] Tables = ["Gristmill.Engines.Dataset", "Gristmill.Objects.ObjectLease", "Gristmill.ObjectRef"];
    private static readonly string[] Models = ["Gristmill.Engines.ModelInput", "Gristmill.ModelRef"];

    private readonly MethodInfo _method;

    private CodeCall(MethodInfo method, List<(string, StageArgument)> arguments)
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

    public IReadOnlyList<(string Parameter, StageArgument Argument)> Arguments { get; }

    public static CodeCall Bind(Delegate stage, ReadOnlySpan<StageArgument> arguments)
    {
        var method = stage.Method;
        var name = PlainName(method.Name) ?? "the lambda";
        CodeRules.RequireStateless(stage, name);

        var bound = new List<(string, StageArgument)>();
        var next = 0;
        foreach (var parameter in method.GetParameters())
        {
            if (IsInjected(parameter.ParameterType))
            {
                continue;
            }

            if (next < arguments.Length)
            {
                RequireFits(name, parameter, arguments[next]);
                bound.Add((parameter.Name!, arguments[next++]));
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

    public JsonObject WriteOptions()
    {
        var type = _method.DeclaringType!;
        var overloaded = type.GetMember(_method.Name, MemberTypes.Method,
            BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length > 1;
        var values = Arguments.Where(a => a.Argument.Write is not null)
            .Select(a => KeyValuePair.Create(a.Parameter, a.Argument.Write!()));
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

    private static void RequireFits(string method, ParameterInfo parameter, StageArgument argument)
    {
        var type = parameter.ParameterType;
        var wanted = Tables.Contains(type.FullName) ? "table"
            : Models.Contains(type.FullName) ? "model"
            : type == typeof(ImmutableDictionary<string, double>) ? "set of metrics"
            : null;
        if (argument.Handle is { } handle)
        {
            // The conversion of a CodeStage throws by itself where it returns something else.
            var given = handle switch
            {
                Table => "table",
                Model => "model",
                MetricSet => "set of metrics",
                CodeStage code when wanted is not null => Convert(code, wanted),
                _ => "stage",
            };
            if (given != wanted)
            {
                throw Refuse($"is a {type.Name}, but a {given} was given", "Pass what the parameter takes.");
            }
        }
        else if (wanted is not null)
        {
            throw Refuse($"takes a {wanted}, but a value was given", "Pass the handle of an earlier stage.");
        }
        else if (argument.Literal is { } literal)
        {
            try
            {
                JsonSerializer.SerializeToNode(literal, literal.GetType(), GristmillJson.Options).Deserialize(type, GristmillJson.Options);
            }
            catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
            {
                throw Refuse($"is a {type.Name}, and {literal} is none", "Pass a value of that type.");
            }
        }

        GristmillException Refuse(string problem, string hint) =>
            new(ErrorCodes.Invalid, $"{method}: its parameter '{parameter.Name}' {problem}.", hint);
    }

    private static string Convert(CodeStage code, string wanted)
    {
        _ = wanted switch
        {
            "table" => (StageHandle)code.Table,
            "model" => code.Model,
            _ => code.Metrics,
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
