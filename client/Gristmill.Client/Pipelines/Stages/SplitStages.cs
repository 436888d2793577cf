using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>Ways to split a table in rows to train on and rows to test on.</summary>
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

    /// <summary>By a number: rows below it train, rows from it on test.</summary>
    /// <param name="column">A numeric column.</param>
    /// <param name="at">The first value that tests.</param>
    public TrainTest ByNumber(string column, Value<double> at) => Add(() => ByValue("value", column, at.ToNode()));

    /// <summary>At random, the same rows for the same seed and table.</summary>
    /// <param name="test">Share of rows that test, above 0 and below 1.</param>
    /// <param name="seed">Seed of the choice.</param>
    public TrainTest AtRandom(double test = 0.2, long seed = 42)
    {
        if (test is not (> 0 and < 1))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The share of test rows is {test}.", "It must be above 0 and below 1.");
        }

        return Add(() => new JsonObject { ["by"] = "random", ["fractions"] = new JsonArray(1 - test, test), ["seed"] = seed });
    }

    private static JsonObject ByValue(string by, string column, JsonNode? at) => new() { ["by"] = by, ["column"] = column, ["at"] = new JsonArray(at) };

    private TrainTest Add(Func<JsonObject> options)
    {
        var node = new StageNode(_pipeline, StageOperations.SqlSplit, "split")
        {
            SingleOutput = false,
            Options = () => options().Set("names", ["train", "test"]),
        };
        _pipeline.Connect(node, "data", _rows);
        _pipeline.Add(node);
        return new TrainTest(new Table(node, "train"), new Table(node, "test"));
    }
}

/// <summary>A split table; deconstructs: <c>var (train, test) = p.Split(rows).ByTime("date", until);</c></summary>
/// <param name="Train">Rows to train on.</param>
/// <param name="Test">Rows to test on.</param>
public sealed record TrainTest(Table Train, Table Test);
