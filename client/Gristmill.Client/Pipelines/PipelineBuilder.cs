using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>
/// Adds parameters and stages to a pipeline. Each method returns a handle of what its stage will make; handles connect
/// stages. A stage is named by the variable that holds its handle, by <c>Named</c>, or else by what it does.
/// </summary>
public sealed partial class PipelineBuilder
{
    private readonly List<ParameterSpec> _parameters = [];
    private readonly List<StageNode> _stages = [];
    private bool _compiled;

    internal PipelineBuilder()
    {
        Read = new ReadStages(this);
        Train = new TrainStages(this);
    }

    /// <summary>Takes data in from files.</summary>
    public ReadStages Read { get; }

    /// <summary>Trains models with the built-in trainers.</summary>
    public TrainStages Train { get; }

    /// <summary>An empty feature plan to start from: <c>p.Features.Number("distance").Category("origin")</c>.</summary>
    public Features Features { get; } = Features.None;

    internal Assembly? Code { get; private set; }

    /// <summary>Adds a parameter with a default.</summary>
    /// <typeparam name="T">string, bool, int, long, float, double, DateOnly, DateTime or DateTimeOffset.</typeparam>
    /// <param name="name">As in the URL or on the command line, such as "train-until".</param>
    /// <param name="default">Its value unless a run says otherwise.</param>
    public Parameter<T> Parameter<T>(string name, T @default) where T : notnull =>
        AddParameter<T>(name, JsonSerializer.Serialize(@default, GristmillJson.Options));

    /// <summary>Adds a parameter with a default and bounds.</summary>
    /// <typeparam name="T">int, long, float, double, DateOnly, DateTime or DateTimeOffset; bool without bounds.</typeparam>
    /// <param name="name">As in the URL or on the command line.</param>
    /// <param name="default">Its value unless a run says otherwise.</param>
    /// <param name="min">Least value; null: none.</param>
    /// <param name="max">Greatest value; null: none.</param>
    /// <param name="choices">The only values; null: any.</param>
    /// <param name="description">A sentence for people, or null.</param>
    public Parameter<T> Parameter<T>(string name, T @default, T? min = null, T? max = null, T[]? choices = null, string? description = null) where T : struct
    {
        var parameter = Parameter(name, @default).Range(min, max);
        return Detail(parameter, choices, description);
    }

    /// <summary>Adds a text parameter that takes one of several values.</summary>
    /// <param name="name">As in the URL or on the command line.</param>
    /// <param name="default">Its value unless a run says otherwise.</param>
    /// <param name="choices">The only values.</param>
    /// <param name="description">A sentence for people, or null.</param>
    public Parameter<string> Parameter(string name, string @default, string[] choices, string? description = null) =>
        Detail(Parameter(name, @default), choices, description);

    private static Parameter<T> Detail<T>(Parameter<T> parameter, Array? choices, string? description)
    {
        parameter = choices is null ? parameter : parameter.OneOf(choices);
        return description is null ? parameter : parameter.Describe(description);
    }

    /// <summary>Adds a parameter that every run must give.</summary>
    /// <typeparam name="T">string, bool, int, long, float, double, DateOnly, DateTime or DateTimeOffset.</typeparam>
    /// <param name="name">As in the URL or on the command line.</param>
    public Parameter<T> Parameter<T>(string name) where T : notnull => AddParameter<T>(name, null);

    /// <summary>
    /// Runs a SQL query. Handles in the text become the names of views over their tables; everything else between braces
    /// becomes a bound value and never text, so nothing can be injected.
    /// </summary>
    /// <param name="query">One SELECT in DuckDB's dialect, such as <c>$"select * from {rows} where date &lt; {until}"</c>.</param>
    public Table Sql(SqlText query)
    {
        ArgumentNullException.ThrowIfNull(query);
        var node = new StageNode(this, StageOperations.SqlQuery, "sql") { Options = query.WriteOptions };
        foreach (var (name, table) in query.Tables)
        {
            Connect(node, name, table);
        }

        query.Scalars.ForEach(scalar => Need(node, scalar));
        query.Sources.ForEach(source => Need(node, source));
        return new Table(Add(node));
    }

    /// <summary>Splits a table: by time, at random, by groups, within classes.</summary>
    /// <param name="rows">The table.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    public SplitStages Split(Table rows, [CallerArgumentExpression(nameof(rows))] string? rowsName = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        rows.Suggest(rowsName);
        return new SplitStages(this, rows);
    }

    /// <summary>Fits transforms on a table: the encoded rows, and the fitted transforms to apply to other tables.</summary>
    /// <param name="rows">Training rows; nothing of other rows goes into the fit.</param>
    /// <param name="features">What to do with which column.</param>
    /// <param name="label">Label column, kept beside the features and used by target encoding; null: none.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    public FittedFeatures Fit(Table rows, Features features, string? label = null,
        [CallerArgumentExpression(nameof(rows))] string? rowsName = null)
    {
        ArgumentNullException.ThrowIfNull(features);
        var node = new StageNode(this, StageOperations.Fit, "fit")
        {
            SingleOutput = false,
            Options = () => new JsonObject { ["plan"] = features.ToNode() }.Set("label", label),
        };
        Connect(node, "data", rows, rowsName);
        Add(node);
        return new FittedFeatures(new Table(node), new Model(node, "transforms"));
    }

    /// <summary>Applies fitted transforms to a table.</summary>
    /// <param name="rows">Rows with the columns that the transforms read.</param>
    /// <param name="transforms">From <see cref="Fit"/>.</param>
    /// <param name="label">Label column to keep beside the features; null: none.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    public Table Apply(Table rows, Model transforms, string? label = null, [CallerArgumentExpression(nameof(rows))] string? rowsName = null)
    {
        var node = new StageNode(this, StageOperations.Apply, "apply") { Options = () => new JsonObject().Set("label", label) };
        Connect(node, "data", rows, rowsName);
        Connect(node, "transforms", transforms);
        return new Table(Add(node));
    }

    /// <summary>Measures a model over a table it has not seen. <see cref="Best"/> measures those that it compares.</summary>
    /// <param name="model">The model.</param>
    /// <param name="over">The table, with the label column.</param>
    /// <param name="label">Label column.</param>
    /// <value>null: the one the model was trained with.</value>
    /// <param name="by">A column to group by: each value's metrics appear as "value/metric" beside those of all rows.</param>
    /// <param name="byPart">For a timestamp column in <paramref name="by"/>: the part to group by.</param>
    /// <param name="modelName">Left to the compiler.</param>
    /// <param name="overName">Left to the compiler.</param>
    public MetricSet Evaluate(Model model, Table over, string? label = null, string? by = null, DatePart? byPart = null,
        [CallerArgumentExpression(nameof(model))] string? modelName = null, [CallerArgumentExpression(nameof(over))] string? overName = null)
    {
        var node = new StageNode(this, StageOperations.Evaluate, "evaluate")
        {
            SingleOutput = false,
            Options = () => Grouped(new JsonObject(), label, by, byPart),
        };
        if (NameRules.Kebab(NameRules.AsIdentifier(modelName)) is { } subject)
        {
            node.FallbackName = $"evaluate-{subject}";
        }

        Connect(node, "model", model, modelName);
        Connect(node, "data", over, overName);
        return new MetricSet(Add(node));
    }

    /// <summary>
    /// Measures several models over a table none of them has seen and picks the best by one metric. All that
    /// <see cref="Evaluate"/> gives is among its metrics, as "model/metric" and "model/value/metric".
    /// </summary>
    /// <param name="metric">What decides.</param>
    /// <param name="over">The table, with the label column.</param>
    /// <param name="among">The models.</param>
    /// <param name="label">Label column.</param>
    /// <value>null: the one the models were trained with.</value>
    /// <param name="by">A column to group by: each value's metrics appear beside those of all rows, which alone decide.</param>
    /// <param name="byPart">For a timestamp column in <paramref name="by"/>: the part to group by.</param>
    /// <param name="overName">Left to the compiler.</param>
    /// <param name="amongNames">Left to the compiler.</param>
    public BestModel Best(Metric metric, Table over, ReadOnlySpan<Model> among, string? label = null, string? by = null, DatePart? byPart = null,
        [CallerArgumentExpression(nameof(over))] string? overName = null, [CallerArgumentExpression(nameof(among))] string? amongNames = null)
    {
        if (among.IsEmpty)
        {
            throw new GristmillException(ErrorCodes.Invalid, "Best was given no models.", "Name at least one: among: [trees].");
        }

        var node = new StageNode(this, StageOperations.Best, "best")
        {
            SingleOutput = true,
            Options = () => Grouped(new JsonObject { ["metric"] = metric.Name }, label, by, byPart),
        };
        var names = NameRules.Elements(amongNames, among.Length);
        for (var i = 0; i < among.Length; i++)
        {
            among[i]?.Suggest(names[i]);
            var candidate = NameRules.Kebab(names[i]) ?? $"model-{i + 1}";
            Connect(node, $"model:{candidate}", among[i]);
        }

        Connect(node, "data", over, overName);
        return new BestModel(Add(node));
    }

    /// <summary>Registers a model as the next version of a name.</summary>
    /// <param name="name">The registered model's name.</param>
    /// <param name="model">The model.</param>
    /// <param name="when">Registers only if this holds, such as <c>best.Score &gt; 0.66</c>; null: always.</param>
    /// <param name="modelName">Left to the compiler.</param>
    public Registration Register(string name, Model model, Condition? when = null,
        [CallerArgumentExpression(nameof(model))] string? modelName = null)
    {
        NameRules.Require(name, "model");
        var node = new StageNode(this, StageOperations.Register, "register") { Options = () => new JsonObject { ["name"] = name } };
        Connect(node, "model", model, modelName);
        if (when is not null)
        {
            SetCondition(node, when);
        }

        return new Registration(Add(node), name);
    }

    /// <summary>Scores a table with a model: the table with the predictions beside its columns.</summary>
    /// <param name="model">The model.</param>
    /// <param name="over">The rows.</param>
    /// <param name="modelName">Left to the compiler.</param>
    /// <param name="overName">Left to the compiler.</param>
    public Table Predict(Model model, Table over, [CallerArgumentExpression(nameof(model))] string? modelName = null,
        [CallerArgumentExpression(nameof(over))] string? overName = null)
    {
        var node = new StageNode(this, StageOperations.Predict, "predict");
        Connect(node, "model", model, modelName);
        Connect(node, "data", over, overName);
        return new Table(Add(node));
    }

    /// <summary>Takes an ONNX file in as a model, as it stands.</summary>
    /// <param name="path">The file, as the silo's host sees it.</param>
    /// <param name="columns">For a model with a single [rows, k] input of floats: the k number columns it is fed from, in this order.</param>
    /// <value>null: each input of the model is a column of its name.</value>
    /// <param name="task">What it predicts; with it the model can be measured, compared and served like a trained one.</param>
    /// <value>null: its outputs are handed out as they are.</value>
    /// <param name="label">Label column, for <see cref="Evaluate"/> and <see cref="Best"/>.</param>
    /// <param name="score">The output that holds the probability, the value or the classes' probabilities; null: the first of floats.</param>
    /// <param name="classes">Class names of a multiclass model, in the order of its probabilities; of a binary one, no and yes.</param>
    public Model ImportOnnx(Value<string> path, IReadOnlyCollection<string>? columns = null, ModelTask? task = null, string? label = null,
        string? score = null, IReadOnlyCollection<string>? classes = null)
    {
        var node = new StageNode(this, StageOperations.ImportOnnx, "onnx")
        {
            Options = () => new JsonObject { ["path"] = path.ToNode() }.Set("columns", columns).Set("task", task?.ToString().ToLowerInvariant())
                .Set("label", label).Set("score", score).Set("classes", classes),
        };
        return new Model(Add(node));
    }

    private static JsonObject Grouped(JsonObject options, string? label, string? by, DatePart? byPart) =>
        options.Set("label", label).Set("by", by).Set("byPart", byPart?.ToString().ToLowerInvariant());
}
