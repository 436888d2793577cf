namespace Gristmill;

/// <summary>
/// The built-in operations. "engine.verb": the engine before the dot runs it, in a worker.
/// Options are JSON objects; each engine documents its own beside the operation's implementation.
/// </summary>
public static class StageOperations
{
    /// <summary>Does nothing; for tests and benches.</summary>
    public const string NoOp = "core.noop";
    /// <summary>Reads Parquet, CSV or JSON files through DuckDB. Options: path (file or glob), format, columns.</summary>
    public const string SqlRead = "sql.read";
    /// <summary>Runs a query over the inputs, each a view of its input name. Options: query, values (bound as $name).</summary>
    public const string SqlQuery = "sql.query";
    /// <summary>Splits input "data" in two or more outputs by a column's value, or at random by rows, groups or classes. Options: see the engine.</summary>
    public const string SqlSplit = "sql.split";
    /// <summary>Joins inputs "left" and "right" on equal keys. Options: keys, rightKeys, how, suffix, validate; see the engine.</summary>
    public const string SqlJoin = "sql.join";
    /// <summary>Joins feature tables to input "data" as they were known at the time of each of its rows. Options: keys, timestamp, features; see the engine.</summary>
    public const string SqlPointInTimeJoin = "sql.point-in-time-join";
    /// <summary>Puts the rows of input "data" in a random order. Options: seed.</summary>
    public const string SqlShuffle = "sql.shuffle";
    /// <summary>Draws rows of input "data" at random, also by groups. Options: rows or fraction, seed, columns, allocation, replacement; see the engine.</summary>
    public const string SqlSample = "sql.sample";
    /// <summary>Checks the rows of input "data" by rules and passes it on; see the engine for its options. Outputs "out", "metrics", "findings".</summary>
    public const string SqlCheck = "sql.check";
    /// <summary>Takes an Arrow IPC file or stream in, validated. Options: path.</summary>
    public const string ArrowRead = "core.read-arrow";
    /// <summary>Takes a file into the content store. Options: path.</summary>
    public const string ImportFile = "core.import-file";
    /// <summary>Fits transforms on input "data" and returns the encoded table ("out") and the fitted transforms as a model ("transforms").</summary>
    public const string Fit = "core.fit";
    /// <summary>Applies the fitted transforms of input "transforms" to input "data".</summary>
    public const string Apply = "core.apply";
    /// <summary>Scores input "model" over input "data" and returns metrics. Options: label, by (optional column: metrics per value as "value/metric").</summary>
    public const string Evaluate = "core.evaluate";
    /// <summary>Scores input "model" over input "data" and returns the table with predictions.</summary>
    public const string Predict = "core.predict";
    /// <summary>Picks the best of several models: inputs "model:NAME" and "data"; options metric, label. Outputs "out" (model) and "metrics" ("score", and "NAME/metric").</summary>
    public const string Best = "core.best";
    /// <summary>Trains LightGBM through its native library on input "data".</summary>
    public const string TrainLightGbm = "lightgbm.train";
    /// <summary>Trains ML.NET FastTree.</summary>
    public const string TrainFastTree = "mlnet.fasttree";
    /// <summary>Trains an ML.NET linear model.</summary>
    public const string TrainLinear = "mlnet.linear";
    /// <summary>Trains the built-in tabular MLP with embeddings in torch.</summary>
    public const string TrainTorchMlp = "torch.mlp";
    /// <summary>Packages an ONNX file as a model. Options: path.</summary>
    public const string ImportOnnx = "onnx.import";
    /// <summary>Calls a user's static method or non-capturing lambda. Options: type, method, arguments.</summary>
    public const string Code = "code.call";
    /// <summary>Registers input "model" under a name: done by the control plane, not by a worker. Options: name.</summary>
    public const string Register = "control.register";
    /// <summary>
    /// Joins branches: passes on the outputs of the first of inputs "0", "1", ... that was not skipped; skipped if all were. Done
    /// by the control plane.
    /// </summary>
    public const string OneOf = "control.one-of";
    /// <summary>
    /// Runs the stages whose <see cref="StageSpec.Loop"/> names it once for each item, done by the control plane. Options: items (a
    /// JSON array, <c>{"$param":..}</c>, <c>{"$item":..}</c> of an outer loop, or <c>{"$value":{"stage":..,"output":..}}</c>, a list that
    /// a stage returned), parallelism (items at once; 0: all), allowFailures (share of items, 0 to 1, that may fail).
    /// </summary>
    public const string ForEach = "control.for-each";
}
