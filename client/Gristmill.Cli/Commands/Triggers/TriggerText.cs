using System.Globalization;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Triggers as people read them.</summary>
internal static class TriggerText
{
    public static string Deed(TriggerSpec spec) => spec.MarkStale ? $"marks {spec.Partition} of {spec.Pipeline} stale" : $"starts {spec.Pipeline}";

    public static string Source(TriggerSpec spec) =>
        spec.Cron is { } cron ? $"at '{cron.Expression}' {cron.TimeZone}"
        : spec.Interval is { } interval ? $"every {Texts.Interval(interval.Every)}"
        : spec.File is { } file ? $"for files {file.Path}"
        : spec.Object is { } item ? $"for versions of {item.Url}"
        : spec.Webhook is not null ? "by webhook"
        : spec.After is { } after ? $"after {after.Pipeline} {Outcome(after.On)}"
        : spec.Metric is { } metric ? string.Create(CultureInfo.InvariantCulture, $"when {metric.Pipeline}/{metric.Stage}/{metric.Metric} {metric.Operator} {metric.Value}")
        : spec.Stream is { } stream ? $"for events of {stream.Provider}/{stream.Namespace}/{stream.Key}"
        : "";

    public static string Outcome(FiringOutcome outcome) => outcome.ToString().ToLowerInvariant();

    public static string Firing(TriggerFiring firing) => firing.Outcome switch
    {
        FiringOutcome.Started => $"Firing {firing.Number} started run {firing.Run}{(firing.Reason is { } reason ? $" ({reason})" : "")}.",
        FiringOutcome.Marked => $"Firing {firing.Number} marked partition {firing.Partition} stale{(firing.Reason is { } why ? $": {why}" : "")}.",
        FiringOutcome.Waiting => $"Firing {firing.Number} waits for its turn.",
        FiringOutcome.Skipped => $"Firing {firing.Number} was skipped: {firing.Reason}.",
        _ => $"Firing {firing.Number} failed: {firing.Error?.Message} [{firing.Error?.Code}]",
    };

    private static string Outcome(RunOutcomes on) => on switch
    {
        RunOutcomes.Succeeded => "succeeded",
        RunOutcomes.Failed => "failed",
        _ => "ended",
    };
}
