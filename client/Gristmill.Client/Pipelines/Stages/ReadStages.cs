using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>Stages that take data in. Paths are as the silo's host sees them; a glob such as "/data/*.parquet" reads many files as one table.</summary>
public sealed class ReadStages
{
    private readonly PipelineBuilder _pipeline;

    internal ReadStages(PipelineBuilder pipeline) => _pipeline = pipeline;

    /// <summary>Reads Parquet files.</summary>
    /// <param name="path">File or glob.</param>
    /// <param name="columns">The columns to read; empty: all.</param>
    public Table Parquet(Value<string> path, params string[] columns) => Files("parquet", path, columns);

    /// <summary>Reads CSV files; types are found by looking at the rows.</summary>
    /// <param name="path">File or glob.</param>
    /// <param name="columns">The columns to read; empty: all.</param>
    public Table Csv(Value<string> path, params string[] columns) => Files("csv", path, columns);

    /// <summary>Reads CSV files with rows in them that cannot be read: of too few or too many fields, with a value that is not of its column's type, or text that is not UTF-8.</summary>
    /// <param name="path">File or glob.</param>
    /// <param name="onError">What is done about such rows.</param>
    /// <param name="columns">The columns to read; empty: all.</param>
    /// <returns>The rows that can be read; also how many cannot, and those themselves.</returns>
    public CsvTable Csv(Value<string> path, BadRows onError, params string[] columns) =>
        new(Files("csv", path, columns, onError == BadRows.Fail ? null : onError.ToString().ToLowerInvariant()).Node, onError);

    /// <summary>Reads JSON: an array of objects, or one object a line.</summary>
    /// <param name="path">File or glob.</param>
    /// <param name="columns">The columns to read; empty: all.</param>
    public Table Json(Value<string> path, params string[] columns) => Files("json", path, columns);

    /// <summary>Takes in an Arrow IPC file or stream, validated before any of it is used.</summary>
    /// <param name="path">The file.</param>
    public Table Arrow(Value<string> path) => Add(StageOperations.ArrowRead, path, () => new JsonObject { ["path"] = path.ToNode() });

    private Table Files(string format, Value<string> path, string[] columns, string? onError = null) =>
        Add(StageOperations.SqlRead, path, () => new JsonObject { ["path"] = path.ToNode(), ["format"] = format }.Set("columns", columns).Set("onError", onError));

    private Table Add(string operation, Value<string> path, Func<JsonObject> options)
    {
        var node = new StageNode(_pipeline, operation, "read") { Options = options };
        if (path.Scalar is not null)
        {
            throw new GristmillException(ErrorCodes.Invalid, "A path cannot be a measured number.", "Pass text or a parameter.");
        }

        return new Table(_pipeline.Add(node));
    }
}
