using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Gristmill;

// Joins that SQL leaves easy to get wrong.
public sealed partial class PipelineBuilder
{
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
