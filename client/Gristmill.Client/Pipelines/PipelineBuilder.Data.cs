using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Gristmill;

// Checks of tables, files from outside, and other pipelines.
public sealed partial class PipelineBuilder
{
    /// <summary>Checks a table. What takes the checked table waits for the check, and does not run if it blocks.</summary>
    /// <param name="rows">The table.</param>
    /// <param name="rules">The rules, such as <c>c => c.RowsBetween(1, null).NotNull("date").Unique("id")</c>.</param>
    /// <param name="onFailure">What a broken rule does.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    /// <returns>The same table, checked.</returns>
    public CheckedTable Check(Table rows, Func<CheckRules, CheckRules> rules, CheckAction onFailure = CheckAction.Block,
        [CallerArgumentExpression(nameof(rows))] string? rowsName = null)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var given = rules(new CheckRules()).Rules;
        if (given.Count == 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, "A check has no rules.", "Add some, such as c => c.RowsBetween(1, null).");
        }

        var subject = NameRules.Kebab(NameRules.AsIdentifier(rowsName));
        var node = new StageNode(this, StageOperations.SqlCheck, subject is null ? "check" : $"check-{subject}")
        {
            Options = () => new JsonObject
            {
                ["rules"] = new JsonArray([.. given.Select(static rule => rule())]),
                ["action"] = onFailure == CheckAction.Warn ? "warn" : "block",
            },
        };
        Connect(node, "data", rows, rowsName);
        return new CheckedTable(Add(node));
    }

    /// <summary>Takes a file in from outside, as it stands.</summary>
    /// <param name="path">The file, as the silo's host sees it.</param>
    public StageFile ImportFile(Value<string> path)
    {
        var node = new StageNode(this, StageOperations.ImportFile, "file") { Options = () => new JsonObject { ["path"] = path.ToNode() } };
        if (path.Node is { } source)
        {
            Need(node, source);
        }

        return new StageFile(Add(node));
    }

    /// <summary>
    /// Puts the stages of another pipeline into this one, each named with a prefix: stage "rows" of what is included as "clean"
    /// is "clean.rows". Its parameters take the values given here, or their defaults. What it says of a whole run stays behind: its
    /// triggers start it alone, and what a failed stage means <see cref="OnFailure"/> says here.
    /// </summary>
    /// <param name="pipeline">The other pipeline.</param>
    /// <param name="name">The prefix; null: the pipeline's name.</param>
    /// <param name="with">Sets parameters, and replaces stages by handles of this pipeline.</param>
    /// <returns>Gives handles of what its stages make.</returns>
    public IncludedPipeline Include(Pipeline pipeline, string? name = null, Func<IncludeSettings, IncludeSettings>? with = null)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        var prefix = name ?? pipeline.Name;
        NameRules.Require(prefix, "included pipeline's");
        var settings = with?.Invoke(new IncludeSettings()) ?? new IncludeSettings();
        Code ??= pipeline.Code;
        _continues = pipeline.Spec.OnFailure == FailurePolicy.Continue ? pipeline.Name : _continues;
        return IncludedPipeline.Add(this, pipeline.Spec, prefix, settings);
    }
}
