using System.Diagnostics.CodeAnalysis;

namespace Gristmill;

/// <summary>
/// What a stage of your own code makes. It converts to the handle of what the method returns: a table for record batches,
/// datasets and object references, a model for a ModelRef, metrics for numbers. A method that returns a tuple deconstructs.
/// </summary>
[SuppressMessage("Usage", "CA2225:Operator overloads have named alternates", Justification = "The properties Table, Model, Metrics, Value and File are them.")]
public sealed class CodeStage : StageHandle
{
    private readonly StageResults _results;
    private readonly ResultKind _kind;

    /// <summary>The same of another stage, which joins branches.</summary>
    internal CodeStage On(StageNode node) => new(node, _results, _kind == ResultKind.Metrics ? "metrics" : "out", _kind);

    internal CodeStage(StageNode node, StageResults results, string output, ResultKind kind) : base(node, output)
    {
        _results = results;
        _kind = kind;
    }

    /// <summary>The table it returns.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it returns something else.</exception>
    public Table Table => new(Require(ResultKind.Table, "table"), Output);

    /// <summary>The model it returns.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it returns something else.</exception>
    public Model Model => new(Require(ResultKind.Model, "model"), Output);

    /// <summary>The numbers it returns; a single number is called "value".</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it returns something else.</exception>
    public MetricSet Metrics => new(Require(ResultKind.Metrics, "set of metrics"), Output);

    /// <summary>The text, number, truth value, list or record it returns.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it returns something else.</exception>
    public StageValue Value => _kind == ResultKind.Metrics
        ? new StageValue(Node, Output, "value")
        : new StageValue(Require(ResultKind.Value, "value"), Output);

    /// <summary>The file it returns.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it returns something else.</exception>
    public StageFile File => new(Require(ResultKind.File, "file"), Output);

    /// <summary>The list it returns, to loop over.</summary>
    /// <typeparam name="T">Type of its elements.</typeparam>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it returns something else.</exception>
    public ValueList<T> List<T>()
    {
        Require(ResultKind.Value, "list");
        var element = _results.ElementOf(Output);
        return element is null || element == typeof(T)
            ? new ValueList<T>(Node, Output)
            : throw new GristmillException(ErrorCodes.Invalid,
                $"Stage '{Node.Label}' is used as a list of {typeof(T).Name}, but it is one of {element.Name}.", $"Write List<{element.Name}>().");
    }

    /// <summary>The table it returns.</summary>
    public static implicit operator Table(CodeStage stage) => NotNull(stage).Table;

    /// <summary>The model it returns.</summary>
    public static implicit operator Model(CodeStage stage) => NotNull(stage).Model;

    /// <summary>The numbers it returns.</summary>
    public static implicit operator MetricSet(CodeStage stage) => NotNull(stage).Metrics;

    /// <summary>The value it returns.</summary>
    public static implicit operator StageValue(CodeStage stage) => NotNull(stage).Value;

    /// <summary>The file it returns.</summary>
    public static implicit operator StageFile(CodeStage stage) => NotNull(stage).File;

    /// <summary>The elements of the tuple it returns.</summary>
    public void Deconstruct(out CodeStage first, out CodeStage second)
    {
        var items = Items(2);
        (first, second) = (items[0], items[1]);
    }

    /// <summary>The elements of the tuple it returns.</summary>
    public void Deconstruct(out CodeStage first, out CodeStage second, out CodeStage third)
    {
        var items = Items(3);
        (first, second, third) = (items[0], items[1], items[2]);
    }

    private static CodeStage NotNull(CodeStage stage) =>
        stage ?? throw new GristmillException(ErrorCodes.Invalid, "The handle of a custom stage is null.", "Pass what p.Run returned.");

    private CodeStage[] Items(int count)
    {
        if (_results.Items.Length != count)
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"Stage '{Node.Label}' is taken apart into {count}, but its method returns {_results.Description}.", "Return a tuple of as many elements.");
        }

        return [.. _results.Items.Select(item => new CodeStage(Node, _results, item.Name, item.Kind))];
    }

    private StageNode Require(ResultKind kind, string what) =>
        _kind == kind || _kind == ResultKind.Any
            ? Node
            : throw new GristmillException(ErrorCodes.Invalid,
                $"Stage '{Node.Label}' is used as a {what}, but its method returns {_results.Description}.", "Change what it returns, or what takes it.");
}
