using System.Text.Json;

namespace Gristmill;

/// <summary>Checks a trigger as far as it can be without the cluster; the server also parses its cron expression and looks for its pipeline.</summary>
public static class TriggerSpecValidator
{
    private const int MaxParameterBytes = 16 << 10;
    private const int MaxText = 1024;

    private static readonly string[] Operators = [">", ">=", "<", "<="];

    /// <summary>Throws if anything is wrong, with the code of what is wrong first.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, <see cref="ErrorCodes.TimeZone"/> or <see cref="ErrorCodes.Glob"/>.</exception>
    public static void ThrowIfInvalid(TriggerSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var problems = Validate(spec);
        if (problems.Count > 0)
        {
            throw new GristmillException(problems[0].Code, $"Trigger '{spec.Name}' is not valid: {string.Join("; ", problems.Select(static p => p.Message))}.",
                "Correct it; nothing was changed.").With("problems", string.Join('\n', problems.Select(static p => p.Message)));
        }
    }

    /// <summary>Every problem with its code; empty if it is valid.</summary>
    public static IReadOnlyList<ErrorInfo> Validate(TriggerSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var problems = new List<ErrorInfo>();
        void Require(bool holds, string problem, string code = ErrorCodes.Invalid)
        {
            if (!holds)
            {
                problems.Add(new ErrorInfo(code, problem));
            }
        }

        Require(GristmillName.IsValid(spec.Name), $"'{spec.Name}' is not a trigger name ({GristmillName.Rule})");
        Require(GristmillName.IsValid(spec.Pipeline), $"'{spec.Pipeline}' is not a pipeline name ({GristmillName.Rule})");
        var sources = new object?[] { spec.Cron, spec.Interval, spec.File, spec.Object, spec.Webhook, spec.After, spec.Metric, spec.Stream }.Count(static source => source is not null);
        Require(sources == 1, $"it has {sources} sources; exactly one of cron, interval, file, object, webhook, after, metric and stream is needed");
        Require(Enum.IsDefined(spec.Concurrency), $"{(int)spec.Concurrency} is no concurrency policy");
        Require(Enum.IsDefined(spec.CatchUp), $"{(int)spec.CatchUp} is no catch-up policy");
        Require(spec.QueueLimit is >= 1 and <= 20, $"a queue of {spec.QueueLimit}; 1 to 20 can wait");
        Require(spec.CatchUpLimit is >= 1 and <= 20, $"a catch-up limit of {spec.CatchUpLimit}; 1 to 20 are possible");
        Require(spec.Description is null or { Length: <= MaxText }, $"its description has {spec.Description?.Length} characters; at most {MaxText} are kept");
        Source(spec, Require);
        Parameters(spec, Require);
        return problems;
    }

    private static void Source(TriggerSpec spec, Action<bool, string, string> require)
    {
        void Require(bool holds, string problem, string code = ErrorCodes.Invalid) => require(holds, problem, code);

        if (spec.Cron is { } cron)
        {
            Require(cron.Expression is { Length: >= 1 and <= 256 }, "its cron expression is empty or longer than 256 characters", ErrorCodes.Cron);
            Require(cron.TimeZone is { Length: <= 128 } && TimeZoneInfo.TryFindSystemTimeZoneById(cron.TimeZone, out _),
                $"there is no time zone '{cron.TimeZone}'; IANA names such as 'Europe/Berlin' are known", ErrorCodes.TimeZone);
        }

        if (spec.Interval is { } interval)
        {
            Require(interval.Every >= TimeSpan.FromSeconds(1) && interval.Every <= TimeSpan.FromDays(366), $"an interval of {interval.Every}; 1 second to 366 days are possible");
        }

        if (spec.File is { } file)
        {
            Require(FileGlob.Problem(file.Path) is not { } problem, $"its path: {FileGlob.Problem(file.Path)}", ErrorCodes.Glob);
            Require(file.Poll >= TimeSpan.FromMilliseconds(100) && file.Poll <= TimeSpan.FromHours(1), $"a look every {file.Poll}; 100 ms to 1 hour are possible");
        }

        if (spec.Object is { } item)
        {
            Require(ObjectUrl.Problem(item.Url) is null, $"its object's URL {ObjectUrl.Problem(item.Url)}");
            Require(item.Poll >= TimeSpan.FromSeconds(1) && item.Poll <= TimeSpan.FromHours(1), $"a look every {item.Poll}; 1 second to 1 hour are possible");
            // Not told: it may be the value, given where the name belongs.
            Require(item.Secret is null || GristmillName.IsValid(item.Secret), $"its object's secret is not a name ({GristmillName.Rule}); the value is the host's to know");
        }

        if (spec.Webhook is { } webhook)
        {
            Require(GristmillName.IsValid(webhook.Secret), $"'{webhook.Secret}' is not a secret's name ({GristmillName.Rule})");
            Require(webhook.MaxBytes is >= 1 and <= 16 << 20, $"a body of {webhook.MaxBytes} bytes; 1 byte to 16 MiB are possible");
            Require(webhook.Tolerance >= TimeSpan.FromSeconds(1) && webhook.Tolerance <= TimeSpan.FromHours(1), $"a tolerance of {webhook.Tolerance}; 1 second to 1 hour are possible");
        }

        if (spec.After is { } after)
        {
            Require(GristmillName.IsValid(after.Pipeline), $"'{after.Pipeline}' is not a pipeline name ({GristmillName.Rule})");
            Require(Enum.IsDefined(after.On), $"{(int)after.On} is no end of a run");
        }

        if (spec.Metric is { } metric)
        {
            Require(GristmillName.IsValid(metric.Pipeline), $"'{metric.Pipeline}' is not a pipeline name ({GristmillName.Rule})");
            Require(GristmillName.IsValid(metric.Stage), $"'{metric.Stage}' is not a stage name ({GristmillName.Rule})");
            Require(metric.Metric is { Length: >= 1 and <= 256 }, "its metric's name is empty or longer than 256 characters");
            Require(Operators.Contains(metric.Operator), $"'{metric.Operator}' is no comparison; allowed are {string.Join(' ', Operators)}");
            Require(double.IsFinite(metric.Value), $"its threshold is {metric.Value}, not a finite number");
        }

        if (spec.Stream is { } stream)
        {
            Require(stream.Provider is { Length: >= 1 and <= 128 }, "its stream provider's name is empty or longer than 128 characters");
            Require(stream.Namespace is { Length: >= 1 and <= 128 }, "its stream's namespace is empty or longer than 128 characters");
            Require(stream.Key is { Length: >= 1 and <= 128 }, "its stream's key is empty or longer than 128 characters");
        }
    }

    private static void Parameters(TriggerSpec spec, Action<bool, string, string> require)
    {
        if (spec.Parameters is null)
        {
            require(false, "its parameters are null", ErrorCodes.Invalid);
            return;
        }

        var bytes = spec.Parameters.Sum(static p => p.Key.Length + p.Value.Length);
        require(bytes <= MaxParameterBytes, $"its parameters take {bytes} characters; at most {MaxParameterBytes} are kept", ErrorCodes.Invalid);
        require(!spec.MarkStale || (spec.Partition is not null && spec.Parameters.IsEmpty), "it marks a partition stale, so it names one and has no parameters", ErrorCodes.Invalid);
        require(spec.Partition is null or { Length: >= 1 and <= 256 }, "its partition is empty or longer than 256 characters", ErrorCodes.Invalid);
        foreach (var (name, json) in spec.Parameters.OrderBy(static p => p.Key, StringComparer.Ordinal)
            .Concat(TriggerTemplate.PartitionParts(spec).Select(static part => KeyValuePair.Create("partition", part))))
        {
            try
            {
                if (TriggerTemplate.Placeholder(json) is { } placeholder && TriggerTemplate.Problem(spec, placeholder) is { } problem)
                {
                    require(false, $"'{name}': {problem}", ErrorCodes.Invalid);
                }
            }
            catch (Exception e) when (e is FormatException or JsonException)
            {
                require(false, $"'{name}': {e.Message}", ErrorCodes.Invalid);
            }
        }
    }
}
