namespace Gristmill;

/// <summary>What starts the pipeline by itself once a server has it; a run in this process starts no trigger.</summary>
public sealed class TriggerSources
{
    private readonly PipelineBuilder _pipeline;

    internal TriggerSources(PipelineBuilder pipeline) => _pipeline = pipeline;

    /// <summary>At the times of a cron expression.</summary>
    /// <param name="expression">Five fields, six with seconds first, or a macro such as "@daily".</param>
    /// <param name="timeZone">IANA name such as "Europe/Berlin".</param>
    public DeclaredTrigger Cron(string expression, string timeZone = "UTC") => Add("cron", static (spec, source) => spec with { Cron = source }, new CronSchedule(expression, timeZone));

    /// <summary>Again and again after a fixed time, at least a second.</summary>
    public DeclaredTrigger Every(TimeSpan interval) => Add("interval", static (spec, source) => spec with { Interval = source }, new IntervalSchedule(interval));

    /// <summary>For each file that arrives in a folder, as the silos see it.</summary>
    /// <param name="pattern">Absolute, such as /data/in/*.parquet or /data/in/**/*.parquet.</param>
    /// <param name="poll">Between two looks. Default 5 seconds.</param>
    /// <param name="changes">Whether a file that was written anew fires again.</param>
    public DeclaredTrigger File(string pattern, TimeSpan? poll = null, bool changes = false) =>
        Add("file", static (spec, source) => spec with { File = source }, new FileArrival { Path = pattern, Changes = changes, Poll = poll ?? TimeSpan.FromSeconds(5) });

    /// <summary>When an object in an object store, or on any web server, appears or gets new content, as the silos see it.</summary>
    /// <param name="url">Its address, http or https, with no secret in it.</param>
    /// <param name="poll">Between two looks. Default 1 minute.</param>
    /// <param name="existing">Whether what is there when the trigger is made fires, too.</param>
    /// <param name="secret">Name of a secret that lets it be seen: a query for the address, or the Authorization header. The server knows its value.</param>
    public DeclaredTrigger Object(string url, TimeSpan? poll = null, bool existing = false, string? secret = null) =>
        Add("object", static (spec, source) => spec with { Object = source },
            new ObjectArrival { Url = url, Poll = poll ?? TimeSpan.FromMinutes(1), Existing = existing, Secret = secret });

    /// <summary>For each request to /api/v1/hooks/NAME that is signed with a secret.</summary>
    /// <param name="secret">The secret's name; the server knows its value.</param>
    public DeclaredTrigger Webhook(string secret) => Add("webhook", static (spec, source) => spec with { Webhook = source }, new WebhookSource { Secret = secret });

    /// <summary>When a run of another pipeline ends.</summary>
    /// <param name="pipeline">The other pipeline.</param>
    /// <param name="on">Which ends.</param>
    public DeclaredTrigger After(string pipeline, RunOutcomes on = RunOutcomes.Succeeded) =>
        Add("after", static (spec, source) => spec with { After = source }, new RunCompletion(pipeline, on));

    /// <summary>When a metric of a pipeline's runs crosses a value.</summary>
    /// <param name="pipeline">The pipeline that measures.</param>
    /// <param name="stage">The stage whose metric it is.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="operator">One of &gt; &gt;= &lt; &lt;=.</param>
    /// <param name="value">The value.</param>
    public DeclaredTrigger Metric(string pipeline, string stage, Metric metric, string @operator, double value) =>
        Add("metric", static (spec, source) => spec with { Metric = source }, new MetricThreshold(pipeline, stage, metric.Name, @operator, value));

    /// <summary>For each <see cref="TriggerEvent"/> of an Orleans stream.</summary>
    /// <param name="provider">The stream provider of the silos.</param>
    /// <param name="namespace">The stream's namespace.</param>
    /// <param name="key">The stream's key.</param>
    public DeclaredTrigger Stream(string provider, string @namespace, string key) =>
        Add("stream", static (spec, source) => spec with { Stream = source }, new StreamSource(provider, @namespace, key));

    private DeclaredTrigger Add<T>(string kind, Func<TriggerSpec, T, TriggerSpec> with, T source) =>
        _pipeline.Add(new DeclaredTrigger(_pipeline, kind, with(new TriggerSpec { Name = "", Pipeline = "" }, source)));
}
