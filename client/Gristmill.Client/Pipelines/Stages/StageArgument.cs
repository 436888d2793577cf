using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>An argument of a stage of your own code: the handle of an earlier stage, a parameter, or a plain value.</summary>
[SuppressMessage("Usage", "CA2225:Operator overloads have named alternates", Justification = "Of is it.")]
public readonly struct StageArgument
{
    private StageArgument(StageHandle? handle, Func<JsonNode?>? write, object? literal, Scalar? scalar, Type? type = null)
    {
        Handle = handle;
        Write = write;
        Literal = literal;
        Scalar = scalar;
        Type = type;
    }

    internal StageHandle? Handle { get; }
    internal Func<JsonNode?>? Write { get; }
    internal object? Literal { get; }
    internal Scalar? Scalar { get; }
    /// <summary>The type of what a placeholder stands for.</summary>
    internal Type? Type { get; }
    internal bool IsSecret { get; private init; }

    /// <summary>A value of any type that can be written as JSON and read back as the parameter's type.</summary>
    public static StageArgument Of<T>(T value) => new(null, () => JsonSerializer.SerializeToNode(value, GristmillJson.Options), value, null);

    /// <summary>A table.</summary>
    public static implicit operator StageArgument(Table table) => new(table, null, null, null);
    /// <summary>A model.</summary>
    public static implicit operator StageArgument(Model model) => new(model, null, null, null);
    /// <summary>Metrics.</summary>
    public static implicit operator StageArgument(MetricSet metrics) => new(metrics, null, null, null);
    /// <summary>What another stage of your own code makes.</summary>
    public static implicit operator StageArgument(CodeStage stage) => new(stage, null, null, null);
    /// <summary>A value an earlier stage returns.</summary>
    public static implicit operator StageArgument(StageValue value) =>
        new(value, value?.Metric is null ? null : ((IPipelineValue)value).ToNode, null, null);
    /// <summary>A file.</summary>
    public static implicit operator StageArgument(StageFile file) => new(file, null, null, null);
    /// <summary>A secret.</summary>
    public static implicit operator StageArgument(Secret secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        return Placeholder(secret, typeof(string)) with { IsSecret = true };
    }

    /// <summary>A number an earlier stage measures.</summary>
    public static implicit operator StageArgument(Scalar scalar) => new(null, () => ((Value<double>)scalar).ToNode(), null, scalar);
    /// <summary>Text.</summary>
    public static implicit operator StageArgument(string? value) => Of(value);
    /// <summary>An integer.</summary>
    public static implicit operator StageArgument(int value) => Of(value);
    /// <summary>An integer.</summary>
    public static implicit operator StageArgument(long value) => Of(value);
    /// <summary>A number.</summary>
    public static implicit operator StageArgument(double value) => Of(value);
    /// <summary>True or false.</summary>
    public static implicit operator StageArgument(bool value) => Of(value);
    /// <summary>A date.</summary>
    public static implicit operator StageArgument(DateOnly value) => Of(value);
    /// <summary>An instant.</summary>
    public static implicit operator StageArgument(DateTimeOffset value) => Of(value);
    /// <summary>A list of texts.</summary>
    public static implicit operator StageArgument(string[] value) => Of(value);
    /// <summary>A list of integers.</summary>
    public static implicit operator StageArgument(int[] value) => Of(value);
    /// <summary>A list of numbers.</summary>
    public static implicit operator StageArgument(double[] value) => Of(value);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<string> parameter) => Parameter(parameter);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<int> parameter) => Parameter(parameter);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<long> parameter) => Parameter(parameter);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<double> parameter) => Parameter(parameter);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<bool> parameter) => Parameter(parameter);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<DateOnly> parameter) => Parameter(parameter);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<DateTimeOffset> parameter) => Parameter(parameter);

    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<string[]> parameter) => Parameter(parameter);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<int[]> parameter) => Parameter(parameter);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<long[]> parameter) => Parameter(parameter);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<double[]> parameter) => Parameter(parameter);
    /// <summary>A parameter.</summary>
    public static implicit operator StageArgument(Parameter<DateOnly[]> parameter) => Parameter(parameter);

    internal static StageArgument Placeholder(IPipelineValue value, Type type) => new(null, value.ToNode, null, null, type);

    private static StageArgument Parameter<T>(Parameter<T> parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return Placeholder(parameter, typeof(T));
    }
}
