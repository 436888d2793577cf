using System.Globalization;

namespace Gristmill.Storage;

/// <summary>Which of two values of one thing holds, in SQL that every database understands: what ends the statements that put things in.</summary>
internal static class TrackingRules
{
    /// <summary>A run's own parameter stays what the run was started with; a stage that logs another value under its name gets the name with the stage's before it.</summary>
    public const string Param = """
        on conflict(run, name) do update set value=excluded.value, number=excluded.number, own=excluded.own
        where param.own=0 or excluded.own=1 or param.value=excluded.value
        """;

    /// <summary>Of one stage's metric the newest attempt wins, within it the highest step, within that the latest time.</summary>
    public const string FullMetric = $"""
        {PutMetric}
        where excluded.attempt>metric.attempt
            or (excluded.attempt=metric.attempt and (excluded.step>metric.step or (excluded.step=metric.step and excluded.time>=metric.time)))
        """;

    /// <summary>Of a bare name the stage that logged it last.</summary>
    public const string BareMetric = $"""
        {PutMetric}
        where (excluded.stage<>metric.stage and excluded.time>=metric.time) or (excluded.stage=metric.stage and (excluded.attempt>metric.attempt
            or (excluded.attempt=metric.attempt and (excluded.step>metric.step or (excluded.step=metric.step and excluded.time>=metric.time)))))
        """;

    public const string Artifact = """
        on conflict(run, path) do update set digest=excluded.digest, bytes=excluded.bytes, time=excluded.time, stage=excluded.stage, attempt=excluded.attempt
        where excluded.stage<>artifact.stage or excluded.attempt>=artifact.attempt
        """;

    private const string PutMetric = """
        on conflict(run, name) do update set
            key=excluded.key, stage=excluded.stage, attempt=excluded.attempt, step=excluded.step, time=excluded.time, value=excluded.value
        """;

    /// <summary>Within one attempt: a later step, or the same step logged later.</summary>
    public static bool IsNewer(in MetricPoint point, in MetricPoint than) => point.Step > than.Step || (point.Step == than.Step && point.Time >= than.Time);

    /// <summary>A text as the number that it is compared as with numbers; null if it is none.</summary>
    public static double? Number(string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && !double.IsNaN(number) ? number : null;

    /// <summary>NaN is kept as null: it is neither found nor ordered.</summary>
    public static double? Known(double value) => double.IsNaN(value) ? null : value;
}
