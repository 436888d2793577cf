using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>Ways to split a table in rows to train on, rows to choose a model by, and rows to test on. Parts keep the order of their rows.</summary>
public sealed class SplitStages
{
    private readonly PipelineBuilder _pipeline;
    private readonly Table _rows;

    internal SplitStages(PipelineBuilder pipeline, Table rows)
    {
        _pipeline = pipeline;
        _rows = rows;
    }

    /// <summary>By time: rows before an instant train, rows from it on test, as the model will be used.</summary>
    /// <param name="column">A date or timestamp column.</param>
    /// <param name="at">The first instant that tests.</param>
    public TrainTest ByTime(string column, Value<DateOnly> at) => Add(() => ByValue("time", column, SqlValues.Typed(typeof(DateOnly), at.ToNode())));

    /// <summary>By time: rows before an instant train, rows from it on test, as the model will be used.</summary>
    /// <param name="column">A date or timestamp column.</param>
    /// <param name="at">The first instant that tests.</param>
    public TrainTest ByTime(string column, Value<DateTimeOffset> at) =>
        Add(() => ByValue("time", column, SqlValues.Typed(typeof(DateTimeOffset), at.ToNode())));

    /// <summary>By time in three: rows before an instant train, those from it to another validate, and rows from that one on test.</summary>
    /// <param name="column">A date or timestamp column.</param>
    /// <param name="validation">The first instant that validates.</param>
    /// <param name="test">The first instant that tests, later than <paramref name="validation"/>.</param>
    public TrainValidationTest ByTime(string column, Value<DateOnly> validation, Value<DateOnly> test) => AddThree(() => ByValue("time", column,
        SqlValues.Typed(typeof(DateOnly), validation.ToNode()), SqlValues.Typed(typeof(DateOnly), test.ToNode())));

    /// <summary>By time in three: rows before an instant train, those from it to another validate, and rows from that one on test.</summary>
    /// <param name="column">A date or timestamp column.</param>
    /// <param name="validation">The first instant that validates.</param>
    /// <param name="test">The first instant that tests, later than <paramref name="validation"/>.</param>
    public TrainValidationTest ByTime(string column, Value<DateTimeOffset> validation, Value<DateTimeOffset> test) => AddThree(() => ByValue("time", column,
        SqlValues.Typed(typeof(DateTimeOffset), validation.ToNode()), SqlValues.Typed(typeof(DateTimeOffset), test.ToNode())));

    /// <summary>By a number: rows below it train, rows from it on test.</summary>
    /// <param name="column">A numeric column.</param>
    /// <param name="at">The first value that tests.</param>
    public TrainTest ByNumber(string column, Value<double> at) => Add(() => ByValue("value", column, at.ToNode()));

    /// <summary>At random, the same rows for the same seed and table.</summary>
    /// <param name="test">Share of rows that test, above 0 and below 1.</param>
    /// <param name="seed">Seed of the choice.</param>
    public TrainTest AtRandom(double test = 0.2, long seed = 42)
    {
        var fractions = Fractions(test);
        return Add(() => Random("random", fractions, null, seed));
    }

    /// <summary>At random in three, the same rows for the same seed and table.</summary>
    /// <param name="validation">Share of rows to choose a model by, above 0.</param>
    /// <param name="test">Share of rows that test, above 0; both together are below 1.</param>
    /// <param name="seed">Seed of the choice.</param>
    public TrainValidationTest AtRandom(double validation, double test, long seed = 42)
    {
        var fractions = Fractions(validation, test);
        return AddThree(() => Random("random", fractions, null, seed));
    }

    /// <summary>
    /// By groups, such as a customer's rows: those of one group are all in one part, whichever table they are in. Each group is drawn for
    /// itself, so shares are of groups and near what is asked for where there are many: few groups, or a few large ones, give other shares of rows.
    /// </summary>
    /// <param name="columns">The columns whose values together are the group; null is a value like any other.</param>
    /// <param name="test">Share of groups that test, above 0 and below 1.</param>
    /// <param name="seed">Seed of the choice.</param>
    public TrainTest ByGroup(IReadOnlyCollection<string> columns, double test = 0.2, long seed = 42)
    {
        var (fractions, key) = (Fractions(test), Columns(columns));
        return Add(() => Random("group", fractions, key, seed));
    }

    /// <inheritdoc cref="ByGroup(IReadOnlyCollection{string}, double, long)" path="/summary"/>
    /// <param name="columns">The columns whose values together are the group; null is a value like any other.</param>
    /// <param name="validation">Share of groups to choose a model by, above 0.</param>
    /// <param name="test">Share of groups that test, above 0; both together are below 1.</param>
    /// <param name="seed">Seed of the choice.</param>
    public TrainValidationTest ByGroup(IReadOnlyCollection<string> columns, double validation, double test, long seed = 42)
    {
        var (fractions, key) = (Fractions(validation, test), Columns(columns));
        return AddThree(() => Random("group", fractions, key, seed));
    }

    /// <summary>
    /// At random within each class: each part has its share of each class to a row, by the largest remainder. Of a class of one row, that
    /// row trains.
    /// </summary>
    /// <param name="columns">The columns whose values together are the class, mostly the label alone; null is a value like any other.</param>
    /// <param name="test">Share of rows that test, above 0 and below 1.</param>
    /// <param name="seed">Seed of the choice.</param>
    public TrainTest Stratified(IReadOnlyCollection<string> columns, double test = 0.2, long seed = 42)
    {
        var (fractions, key) = (Fractions(test), Columns(columns));
        return Add(() => Random("stratified", fractions, key, seed));
    }

    /// <inheritdoc cref="Stratified(IReadOnlyCollection{string}, double, long)" path="/summary"/>
    /// <param name="columns">The columns whose values together are the class, mostly the label alone; null is a value like any other.</param>
    /// <param name="validation">Share of rows to choose a model by, above 0.</param>
    /// <param name="test">Share of rows that test, above 0; both together are below 1.</param>
    /// <param name="seed">Seed of the choice.</param>
    public TrainValidationTest Stratified(IReadOnlyCollection<string> columns, double validation, double test, long seed = 42)
    {
        var (fractions, key) = (Fractions(validation, test), Columns(columns));
        return AddThree(() => Random("stratified", fractions, key, seed));
    }

    private static double[] Fractions(params double[] held)
    {
        if (held.Any(static share => share is not (> 0 and < 1)) || held.Sum() >= 1)
        {
            throw new GristmillException(ErrorCodes.Invalid, FormattableString.Invariant($"The share of rows that do not train is {string.Join(" + ", held)}."),
                "Each share must be above 0, and they must sum to less than 1.");
        }

        return [1 - held.Sum(), .. held];
    }

    private static string[] Columns(IReadOnlyCollection<string> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        return columns.Count > 0 ? [.. columns] : throw new GristmillException(ErrorCodes.Invalid, "A split names no columns.", "Name one at least, such as [\"customer\"].");
    }

    private static JsonObject Random(string by, double[] fractions, string[]? columns, long seed) =>
        new JsonObject { ["by"] = by }.Set("columns", columns).Set("fractions", new JsonArray([.. fractions.Select(static share => (JsonNode)share)])).Set("seed", seed);

    private static JsonObject ByValue(string by, string column, params JsonNode?[] at) => new() { ["by"] = by, ["column"] = column, ["at"] = new JsonArray(at) };

    private TrainTest Add(Func<JsonObject> options)
    {
        var node = Node(options, "train", "test");
        return new TrainTest(new Table(node, "train"), new Table(node, "test"));
    }

    private TrainValidationTest AddThree(Func<JsonObject> options)
    {
        var node = Node(options, "train", "validation", "test");
        return new TrainValidationTest(new Table(node, "train"), new Table(node, "validation"), new Table(node, "test"));
    }

    private StageNode Node(Func<JsonObject> options, params string[] names)
    {
        var node = new StageNode(_pipeline, StageOperations.SqlSplit, "split") { SingleOutput = false, Options = () => options().Set("names", names) };
        _pipeline.Connect(node, "data", _rows);
        return _pipeline.Add(node);
    }
}

/// <summary>A split table; deconstructs: <c>var (train, test) = p.Split(rows).ByTime("date", until);</c></summary>
/// <param name="Train">Rows to train on.</param>
/// <param name="Test">Rows to test on.</param>
public sealed record TrainTest(Table Train, Table Test);

/// <summary>A table split in three; deconstructs: <c>var (train, validation, test) = p.Split(rows).AtRandom(validation: 0.1, test: 0.2);</c></summary>
/// <param name="Train">Rows to train on.</param>
/// <param name="Validation">Rows to choose a model or its settings by.</param>
/// <param name="Test">Rows to test on.</param>
public sealed record TrainValidationTest(Table Train, Table Validation, Table Test);
