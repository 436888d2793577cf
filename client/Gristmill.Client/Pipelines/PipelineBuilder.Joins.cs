using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

// Joins, samples and shuffles: what SQL leaves easy to get wrong.
public sealed partial class PipelineBuilder
{
    /// <summary>
    /// Joins two tables on equal keys. Null equals nothing; NaN equals NaN, and zero minus zero. Rows are in the order of the left table, and those
    /// of one row of it in that of the right one; with <see cref="JoinKind.Right"/> the other way round.
    /// </summary>
    /// <param name="left">The table whose columns come first, with the keys under its names.</param>
    /// <param name="right">The table whose columns follow, without its keys; not with <see cref="JoinKind.Semi"/> and <see cref="JoinKind.Anti"/>.</param>
    /// <param name="on">The left table's key columns: numbers, text, truth values, times or binary.</param>
    /// <param name="rightOn">The right table's, in the same order and of the same kinds; null: of the same names.</param>
    /// <param name="how">Which rows are kept.</param>
    /// <param name="suffix">Added to the name of a column of the right table that the left one has, too.</param>
    /// <param name="validate">How often a key may be there. A run where one is there more often fails with <see cref="ErrorCodes.BadValue"/>, which names it; keys with a null do not count.</param>
    /// <param name="leftName">Left to the compiler.</param>
    /// <param name="rightName">Left to the compiler.</param>
    public Table Join(Table left, Table right, IReadOnlyCollection<string> on, IReadOnlyCollection<string>? rightOn = null, JoinKind how = JoinKind.Inner,
        string suffix = "_right", JoinCardinality validate = JoinCardinality.ManyToMany,
        [CallerArgumentExpression(nameof(left))] string? leftName = null, [CallerArgumentExpression(nameof(right))] string? rightName = null)
    {
        ArgumentNullException.ThrowIfNull(on);
        ArgumentNullException.ThrowIfNull(suffix);
        if (on.Count == 0 || (rightOn is not null && rightOn.Count != on.Count))
        {
            throw new GristmillException(ErrorCodes.Invalid, string.Create(CultureInfo.InvariantCulture, $"A join has {on.Count} keys on the left, and {rightOn?.Count ?? on.Count} on the right."),
                "Name as many on both sides, and one at least.");
        }

        var node = new StageNode(this, StageOperations.SqlJoin, "join")
        {
            Options = () => new JsonObject { ["how"] = CamelCase(how), ["suffix"] = suffix, ["validate"] = CamelCase(validate) }.Set("keys", on).Set("rightKeys", rightOn),
        };
        Connect(node, "left", left, leftName);
        Connect(node, "right", right, rightName);
        return new Table(Add(node));

        static string CamelCase<T>(T value) where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
    }

    /// <summary>Puts the rows of a table in a random order, the same for the same seed and number of rows.</summary>
    /// <param name="rows">The table.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    public Table Shuffle(Table rows, long seed = 42, [CallerArgumentExpression(nameof(rows))] string? rowsName = null)
    {
        var node = new StageNode(this, StageOperations.SqlShuffle, "shuffle") { Options = () => new JsonObject { ["seed"] = seed } };
        Connect(node, "data", rows, rowsName);
        return new Table(Add(node));
    }

    /// <summary>Draws rows of a table at random: <c>p.Sample(rows).Rows(1000)</c>, a share of them, or as many of each group.</summary>
    /// <param name="rows">The table.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    public SampleStages Sample(Table rows, [CallerArgumentExpression(nameof(rows))] string? rowsName = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        rows.Suggest(rowsName);
        return new SampleStages(this, rows);
    }

    /// <summary>
    /// Joins features to the rows of a spine as they were known at the time of each row, so that nothing of the future gets into training
    /// (Feast's point-in-time join). From each feature table comes the newest row with the same keys that is not later than the spine's row
    /// and not older than the table's time to live; where there is none, its columns are null. Null keys and times match nothing.
    /// </summary>
    /// <param name="spine">The rows to join to; all of them stay, in their order, with their columns first.</param>
    /// <param name="keys">The spine's columns whose values together are the entity.</param>
    /// <param name="timestamp">The spine's column of event times: dates (midnight) or timestamps (without a zone: UTC).</param>
    /// <param name="features">The feature tables. Columns of one name on two sides are refused: give a prefix or name columns.</param>
    /// <param name="spineName">Left to the compiler.</param>
    public Table PointInTimeJoin(Table spine, IReadOnlyCollection<string> keys, string timestamp, IReadOnlyList<FeatureTable> features,
        [CallerArgumentExpression(nameof(spine))] string? spineName = null)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(timestamp);
        ArgumentNullException.ThrowIfNull(features);
        if (keys.Count == 0 || features.Count == 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"A point-in-time join has no {(keys.Count == 0 ? "keys" : "feature tables")}.", "Name one at least.");
        }

        var node = new StageNode(this, StageOperations.SqlPointInTimeJoin, "join")
        {
            Options = () => new JsonObject { ["timestamp"] = timestamp, ["features"] = new JsonArray([.. features.Select(Options)]) }.Set("keys", keys),
        };
        Connect(node, "data", spine, spineName);
        for (var i = 0; i < features.Count; i++)
        {
            Connect(node, Input(i), features[i].Rows);
        }

        return new Table(Add(node));

        static string Input(int i) => string.Create(CultureInfo.InvariantCulture, $"features:{i}");
        static JsonNode Options(FeatureTable feature, int i) => new JsonObject { ["input"] = Input(i) }
            .Set("ttl", feature.Ttl?.ToString("c", CultureInfo.InvariantCulture)).Set("timestamp", feature.Timestamp)
            .Set("keys", feature.Keys).Set("columns", feature.Columns).Set("prefix", feature.Prefix);
    }
}
