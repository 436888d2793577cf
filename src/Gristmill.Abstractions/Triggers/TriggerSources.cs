namespace Gristmill;

/// <summary>Times by a cron expression.</summary>
/// <param name="Expression">
/// Five fields (minute hour day month weekday), six (with seconds first), or a macro such as <c>@daily</c>; with <c>L</c>,
/// <c>W</c> and <c>#</c>. A time that daylight saving skips is fired right after the gap; one that comes twice is fired
/// once, unless the expression repeats within the hour.
/// </param>
/// <param name="TimeZone">IANA name such as "Europe/Berlin".</param>
[GenerateSerializer, Immutable, Alias("gristmill.CronSchedule")]
public sealed record CronSchedule([property: Id(0)] string Expression, [property: Id(1)] string TimeZone = "UTC");

/// <summary>Times at a fixed distance.</summary>
/// <param name="Every">The distance: 1 second to 366 days.</param>
/// <param name="From">One of the times; null: when the trigger was made.</param>
[GenerateSerializer, Immutable, Alias("gristmill.IntervalSchedule")]
public sealed record IntervalSchedule([property: Id(0)] TimeSpan Every, [property: Id(1)] DateTimeOffset? From = null);

/// <summary>Files that arrive in a folder, as the silos see it. A file has arrived when two looks in a row found the same size and time.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.FileArrival")]
public sealed record FileArrival
{
    /// <summary>
    /// Absolute, with <c>*</c> and <c>?</c> in the file's name and <c>**</c> as the last folder for all folders below:
    /// <c>/data/in/**/*.parquet</c>. Names that begin with '.' or '_', or end with .tmp, .part or '~', have not arrived yet.
    /// </summary>
    [Id(0)] public required string Path { get; init; }
    /// <summary>Between two looks: 100 ms to 1 hour.</summary>
    /// <value>5 seconds</value>
    [Id(1)] public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>Whether a file that was written anew fires again; else each name fires once.</summary>
    [Id(2)] public bool Changes { get; init; }
    /// <summary>Whether files that are there when the trigger is made fire, too.</summary>
    [Id(3)] public bool Existing { get; init; }
}

/// <summary>
/// An object in an object store (S3, Azure Blob Storage, Google Cloud Storage, or any web server) that appears or gets new
/// content. The silos ask for it with HEAD and go by its ETag, or else by its Last-Modified and Content-Length; its content
/// is never read.
/// </summary>
[GenerateSerializer, Immutable, Alias("gristmill.ObjectArrival")]
public sealed record ObjectArrival
{
    /// <summary>
    /// Where it is: absolute, http or https, at most 2,048 characters, without user name, password and fragment. It may have a
    /// query, and everybody who sees the trigger sees that: signatures and tokens belong into <see cref="Secret"/>.
    /// </summary>
    [Id(0)] public required string Url { get; init; }
    /// <summary>Between two looks: 1 second to 1 hour.</summary>
    /// <value>1 minute</value>
    [Id(1)] public TimeSpan Poll { get; init; } = TimeSpan.FromMinutes(1);
    /// <summary>Whether what is there when the trigger is made fires, too.</summary>
    [Id(2)] public bool Existing { get; init; }
    /// <summary>
    /// Name of a secret that lets the object be seen, or null; its value is the host's to know, read again for each look, and
    /// never shown. A value that begins with '?' or has a '=' with no space before it is a query that is added to the URL, such as
    /// a shared access signature; any other is the whole Authorization header, such as "Bearer ...".
    /// </summary>
    [Id(3)] public string? Secret { get; init; }
}

/// <summary>Requests to <c>POST /api/v1/hooks/TRIGGER</c>, signed as Standard Webhooks says (see <see cref="WebhookSignature"/>).</summary>
[GenerateSerializer, Immutable, Alias("gristmill.WebhookSource")]
public sealed record WebhookSource
{
    /// <summary>Name of the secret that signs; its value is the host's to know and never shown.</summary>
    [Id(0)] public required string Secret { get; init; }
    /// <summary>Largest body in bytes, 1 to 16 MiB.</summary>
    /// <value>256 KiB</value>
    [Id(1)] public int MaxBytes { get; init; } = 256 << 10;
    /// <summary>How far a request's timestamp may be from the server's clock: 1 second to 1 hour.</summary>
    /// <value>5 minutes</value>
    [Id(2)] public TimeSpan Tolerance { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>How a run must end.</summary>
public enum RunOutcomes
{
    /// <summary>It succeeded.</summary>
    Succeeded = 0,
    /// <summary>It failed.</summary>
    Failed = 1,
    /// <summary>It succeeded, failed or was cancelled.</summary>
    Any = 2,
}

/// <summary>Ends of another pipeline's runs.</summary>
/// <param name="Pipeline">The other pipeline.</param>
/// <param name="On">Which ends.</param>
[GenerateSerializer, Immutable, Alias("gristmill.RunCompletion")]
public sealed record RunCompletion([property: Id(0)] string Pipeline, [property: Id(1)] RunOutcomes On = RunOutcomes.Succeeded);

/// <summary>A metric that crosses a value: fires for a run whose metric meets the comparison when that of the run before it did not.</summary>
/// <param name="Pipeline">The pipeline whose runs are looked at when they have ended.</param>
/// <param name="Stage">The stage whose metric it is.</param>
/// <param name="Metric">The metric's name.</param>
/// <param name="Operator">One of <c>&gt; &gt;= &lt; &lt;=</c>.</param>
/// <param name="Value">The value.</param>
[GenerateSerializer, Immutable, Alias("gristmill.MetricThreshold")]
public sealed record MetricThreshold(
    [property: Id(0)] string Pipeline, [property: Id(1)] string Stage, [property: Id(2)] string Metric,
    [property: Id(3)] string Operator, [property: Id(4)] double Value);

/// <summary>Events of type <see cref="TriggerEvent"/> in an Orleans stream.</summary>
/// <param name="Provider">The stream provider that the host has configured.</param>
/// <param name="Namespace">The stream's namespace.</param>
/// <param name="Key">The stream's key.</param>
[GenerateSerializer, Immutable, Alias("gristmill.StreamSource")]
public sealed record StreamSource([property: Id(0)] string Provider, [property: Id(1)] string Namespace, [property: Id(2)] string Key);

/// <summary>What is published to a stream that a trigger listens to.</summary>
/// <param name="Id">Identifies the event: 1 to 256 characters. One that was seen before fires nothing.</param>
/// <param name="Body">A JSON document for parameters to take values from, at most 32 KiB, or null.</param>
[GenerateSerializer, Immutable, Alias("gristmill.TriggerEvent")]
public sealed record TriggerEvent([property: Id(0)] string Id, [property: Id(1)] string? Body = null);
