using System.Globalization;

namespace Gristmill.Display;

/// <summary>Numbers, times and states as people read them.</summary>
internal static class Texts
{
    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    public static string Duration(TimeSpan time) =>
        time < TimeSpan.FromSeconds(1) ? string.Create(Culture, $"{time.TotalMilliseconds:0} ms")
        : time < TimeSpan.FromMinutes(1) ? string.Create(Culture, $"{time.TotalSeconds:0.0} s")
        : time < TimeSpan.FromHours(1) ? string.Create(Culture, $"{(int)time.TotalMinutes} min {time.Seconds:00} s")
        : string.Create(Culture, $"{(int)time.TotalHours} h {time.Minutes:00} min");

    /// <summary>A time that somebody chose: "5 min" where there are no seconds.</summary>
    public static string Interval(TimeSpan time) => time switch
    {
        { TotalMinutes: >= 1, Seconds: 0, Milliseconds: 0, Minutes: 0 } => string.Create(Culture, $"{(int)time.TotalHours} h"),
        { TotalMinutes: >= 1 and < 60, Seconds: 0, Milliseconds: 0 } => string.Create(Culture, $"{time.Minutes} min"),
        { TotalSeconds: >= 1 and < 60, Milliseconds: 0 } => string.Create(Culture, $"{time.Seconds} s"),
        _ => Duration(time),
    };

    public static string Bytes(long bytes) => bytes switch
    {
        < 1 << 10 => string.Create(Culture, $"{bytes} B"),
        < 1 << 20 => string.Create(Culture, $"{bytes / 1024.0:0.#} KiB"),
        < 1 << 30 => string.Create(Culture, $"{bytes / 1048576.0:0.#} MiB"),
        _ => string.Create(Culture, $"{bytes / 1073741824.0:0.##} GiB"),
    };

    /// <summary>Text of somebody's data without what would control a terminal or break a line.</summary>
    public static string Plain(string text) => string.Concat(text.Select(static c => char.IsControl(c) ? ' ' : c));

    public static string Count(long count) => count.ToString("N0", Culture);

    public static string Count(long count, string of) => $"{Count(count)} {of}{(count == 1 ? "" : "s")}";

    public static string Number(double value) =>
        Math.Abs(value) >= 1e15 || !double.IsFinite(value) ? value.ToString("G6", Culture)
        : value == Math.Truncate(value) || Math.Abs(value) >= 1e5 ? value.ToString("0", Culture)
        : value.ToString("0.####", Culture);

    public static string Time(DateTimeOffset instant) => instant.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", Culture);

    public static string Status(StageStatus status) => status.ToString().ToLowerInvariant();

    /// <summary>A stage's status, or that it took over an earlier result.</summary>
    public static string Status(StageView stage) => stage.CachedFrom is null ? Status(stage.Status) : "cached";

    public static string Status(RunStatus status) => status.ToString().ToLowerInvariant();

    /// <summary>How many stages are in each status, without those that none is in.</summary>
    public static string Counts(StageCounts counts) => string.Join(", ", new[]
    {
        StageStatus.Succeeded, StageStatus.Running, StageStatus.Failed, StageStatus.Skipped, StageStatus.Cancelled, StageStatus.Pending,
    }.Where(status => counts.Of(status) > 0).Select(status => $"{Count(counts.Of(status))} {Status(status)}")) + $" of {Count(counts.Total, "stage")}";

    public static string Colour(StageStatus status) => status switch
    {
        StageStatus.Running => "blue",
        StageStatus.Succeeded => "green",
        StageStatus.Failed => "red",
        StageStatus.Skipped or StageStatus.Cancelled => "yellow",
        _ => "grey",
    };

    public static string Colour(RunStatus status) => status switch
    {
        RunStatus.Succeeded => "green",
        RunStatus.Failed => "red",
        RunStatus.Cancelled => "yellow",
        _ => "blue",
    };

    /// <summary>How long a stage has taken so far, or null before it starts.</summary>
    public static TimeSpan? Elapsed(StageView stage, DateTimeOffset now) =>
        stage.Started is { } started ? (stage.Ended ?? now) - started : null;

    /// <summary>The one thing to know about a stage now: why it failed or was skipped, what it measures, what it does.</summary>
    public static string Detail(StageView stage)
    {
        if (stage.Error is { } error)
        {
            return $"{error.Message} [{error.Code}]";
        }

        if (stage.Reason is { Length: > 0 } reason)
        {
            return reason;
        }

        if (stage.Status == StageStatus.Running && stage.Progress is { } progress)
        {
            // "epoch 2 of 4" has said it already, and rows have a column of their own.
            var news = progress.Metrics.Where(m => m.Key != "rows" && progress.Message?.Contains($"{m.Key} {Number(m.Value)}", StringComparison.Ordinal) != true);
            var numbers = Numbers(news.ToDictionary(), 3);
            return string.Join("  ", new[] { progress.Message, numbers }.Where(text => !string.IsNullOrEmpty(text)));
        }

        var measured = stage.Outputs.Values.FirstOrDefault(output => output.Metrics is { Count: > 0 })?.Metrics;
        return measured is null ? "" : Numbers(measured, 4);
    }

    /// <summary>Metrics in a line: those of all rows first, then those of groups, at most so many.</summary>
    public static string Numbers(IReadOnlyDictionary<string, double> metrics, int most)
    {
        // The winner's place among the candidates says nothing without their names, which the groups give.
        var shown = metrics.Where(m => m.Key != "winner")
            .OrderBy(m => m.Key.Contains('/', StringComparison.Ordinal)).ThenBy(m => Rank(m.Key[(m.Key.LastIndexOf('/') + 1)..])).ThenBy(m => m.Key, StringComparer.Ordinal)
            .Take(most).Select(m => $"{m.Key} {Number(m.Value)}");
        return string.Join("  ", shown);
    }

    private static int Rank(string metric)
    {
        var index = Array.IndexOf(["epoch", "iteration", "loss", "score", "auc", "rmse", "logloss"], metric);
        return index < 0 ? int.MaxValue : index;
    }
}
