using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>
/// Ways to draw rows of a table at random: the same for the same seed and rows, in their order. <see cref="PipelineBuilder.Shuffle"/> gives
/// them another.
/// </summary>
public sealed class SampleStages
{
    private readonly PipelineBuilder _pipeline;
    private readonly Table _rows;

    internal SampleStages(PipelineBuilder pipeline, Table rows)
    {
        _pipeline = pipeline;
        _rows = rows;
    }

    /// <summary>Draws a number of rows. A run whose table has fewer fails with <see cref="ErrorCodes.BadValue"/>, except with replacement.</summary>
    /// <param name="count">How many, not negative.</param>
    /// <param name="by">Columns whose values together are a row's group, so that each group has its share of the sample to a row; null: rows are drawn whatever they hold.</param>
    /// <param name="replacement">Whether a row may be drawn more than once; its copies follow each other.</param>
    /// <param name="seed">Seed of the choice.</param>
    public Table Rows(Value<long> count, IReadOnlyCollection<string>? by = null, bool replacement = false, long seed = 42) =>
        Add(() => new JsonObject { ["rows"] = count.ToNode() }.Set("columns", by), replacement, seed, count.Node);

    /// <summary>Draws a share of the rows: exactly that share of their number, rounded to the nearest.</summary>
    /// <param name="fraction">From 0 to 1; with replacement also more.</param>
    /// <param name="by">Columns whose values together are a row's group, so that each group has its share of the sample to a row; null: rows are drawn whatever they hold.</param>
    /// <param name="replacement">Whether a row may be drawn more than once; its copies follow each other.</param>
    /// <param name="seed">Seed of the choice.</param>
    public Table Fraction(Value<double> fraction, IReadOnlyCollection<string>? by = null, bool replacement = false, long seed = 42) =>
        Add(() => new JsonObject { ["fraction"] = fraction.ToNode() }.Set("columns", by), replacement, seed, fraction.Node);

    /// <summary>
    /// Draws as many rows of each group. A run with a group that has fewer fails with <see cref="ErrorCodes.BadValue"/>, which names it, except
    /// with replacement.
    /// </summary>
    /// <param name="by">The columns whose values together are a row's group; null is a value like any other.</param>
    /// <param name="count">How many of each, not negative.</param>
    /// <param name="replacement">Whether a row may be drawn more than once; its copies follow each other.</param>
    /// <param name="seed">Seed of the choice.</param>
    public Table RowsOfEach(IReadOnlyCollection<string> by, Value<long> count, bool replacement = false, long seed = 42)
    {
        ArgumentNullException.ThrowIfNull(by);
        return by.Count > 0
            ? Add(() => new JsonObject { ["rows"] = count.ToNode(), ["allocation"] = "equal" }.Set("columns", by), replacement, seed, count.Node)
            : throw new GristmillException(ErrorCodes.Invalid, "A sample of each group names no columns.", "Name one at least, such as [\"label\"].");
    }

    private Table Add(Func<JsonObject> options, bool replacement, long seed, StageNode? source)
    {
        var node = new StageNode(_pipeline, StageOperations.SqlSample, "sample") { Options = () => options().Set("replacement", replacement ? true : null).Set("seed", seed) };
        _pipeline.Connect(node, "data", _rows);
        if (source is not null)
        {
            _pipeline.Need(node, source);
        }

        return new Table(_pipeline.Add(node));
    }
}
