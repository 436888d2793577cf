using System.Reflection;

namespace Gristmill;

/// <summary>A pipeline defined in C#: a graph of stages, checked and compiled to a <see cref="PipelineSpec"/>.</summary>
/// <example>
/// <code>
/// var flights = Pipeline.Create("flights", p =>
/// {
///     var until = p.Parameter("train-until", new DateOnly(2001, 4, 1));
///     var raw = p.Read.Parquet("/data/flights.parquet");
///     var rows = p.Sql($"select *, delay > 15 as late from {raw}");
///     var (train, test) = p.Split(rows).ByTime("date", until);
///     var trees = p.Train.LightGbm(train, label: "late");
///     var best = p.Best(Metric.Auc, over: test, label: "late", among: [trees]);
///     p.Register("flight-delay", best, when: best.Score > 0.66);
/// });
/// </code>
/// </example>
public sealed class Pipeline
{
    private Pipeline(PipelineSpec spec, Assembly? code)
    {
        Spec = spec;
        Code = code;
    }

    /// <summary>Its name.</summary>
    public string Name => Spec.Name;

    /// <summary>What it compiles to. The assemblies of <see cref="Code"/> are named in it when it is shipped, not before.</summary>
    public PipelineSpec Spec { get; }

    /// <summary>The assembly of the methods that its stages call, or null if all its stages are built in.</summary>
    public Assembly? Code { get; }

    /// <summary>Defines a pipeline. The definition runs at once, once; nothing is read or computed by it.</summary>
    /// <param name="name">Letters, digits, '-', '_' and '.', at most 64 characters, starting with a letter or digit.</param>
    /// <param name="define">Adds parameters and stages.</param>
    /// <param name="description">A sentence for people.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the definition is wrong, and how.</exception>
    public static Pipeline Create(string name, Action<PipelineBuilder> define, string? description = null)
    {
        ArgumentNullException.ThrowIfNull(define);
        NameRules.Require(name, "pipeline");
        var builder = new PipelineBuilder();
        define(builder);
        return new Pipeline(builder.Compile(name, description), builder.Code);
    }
}
