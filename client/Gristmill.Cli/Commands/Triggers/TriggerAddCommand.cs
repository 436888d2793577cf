using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gristmill.Cli.Infrastructure;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Makes a trigger of options or of a JSON file.</summary>
internal static partial class TriggerAddCommand
{
    public static Command Create(CliContext context)
    {
        var name = new Argument<string>("trigger") { Description = "Its name." };
        var pipeline = new Argument<string?>("pipeline") { Description = "The pipeline to start.", Arity = ArgumentArity.ZeroOrOne };
        var cron = new Option<string?>("--cron") { Description = "At these times: 5 fields, 6 with seconds first, or @daily and the like.", HelpName = "EXPRESSION" };
        var zone = new Option<string>("--zone") { Description = "Time zone of --cron (default: UTC).", HelpName = "ZONE", DefaultValueFactory = _ => "UTC" };
        var every = new Option<string?>("--every") { Description = "Again and again: 30s, 15m, 6h, 1d.", HelpName = "TIME" };
        var file = new Option<string?>("--file") { Description = "For each file that arrives: /folder/*.csv or /folder/**/*.csv.", HelpName = "PATTERN" };
        var item = new Option<string?>("--object") { Description = "When the object at this address appears or gets new content: https://bucket.s3.amazonaws.com/in.csv.", HelpName = "URL" };
        var itemSecret = new Option<string?>("--object-secret") { Description = "For --object: the secret of the server that lets it be seen, a query or an Authorization header.", HelpName = "SECRET" };
        var webhook = new Option<string?>("--webhook") { Description = "For each request signed with this secret of the server.", HelpName = "SECRET" };
        var after = new Option<string?>("--after") { Description = "When a run of this pipeline ends.", HelpName = "PIPELINE" };
        var on = new ChoiceOption<RunOutcomes>("--on") { Description = "Which ends for --after: succeeded (default), failed or any." };
        var metric = new Option<string?>("--metric") { Description = "When a metric crosses a value: 'pipeline/stage/metric < 0.6'.", HelpName = "COMPARISON" };
        var stream = new Option<string?>("--stream") { Description = "For each event of an Orleans stream: provider/namespace/key.", HelpName = "STREAM" };
        var spec = new Option<string?>("--spec") { Description = "Take the whole trigger from a JSON file.", HelpName = "FILE" };
        var parameters = new Option<string[]>("--param", "-p") { Description = "A parameter of the runs: name=value, or name={{file}} for a value of the event. May be repeated.", HelpName = "NAME=VALUE" };
        var concurrency = new ChoiceOption<ConcurrencyPolicy>("--concurrency") { Description = "While a run that it started is under way: allow (default), forbid, replace or queue." };
        var catchUp = new ChoiceOption<CatchUpPolicy>("--catch-up") { Description = "Times that passed while nothing could fire: once (default), skip or all." };
        var partition = new Option<string?>("--partition") { Description = "Of a partitioned pipeline: a key, or {{scheduled}} for the one that has ended last; with listed keys such as ATL/{{scheduled}}.", HelpName = "KEY" };
        var markStale = new Option<bool>("--mark-stale") { Description = "Mark the partition stale, as its data have changed, in place of starting a run; 'mill backfill --stale' makes it anew." };
        var description = new Option<string?>("--description") { Description = "A sentence for people." };
        var replace = new Option<bool>("--replace") { Description = "Change a trigger of this name that is there." };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("add", "Add a trigger. Give it one of --cron, --every, --file, --object, --webhook, --after, --metric, --stream, --spec.")
        {
            name, pipeline, cron, zone, every, file, item, itemSecret, webhook, after, on, metric, stream, spec, parameters, concurrency, catchUp, partition, markStale, description, replace, server, json,
        };
        Option[] others = [cron, zone, every, file, item, itemSecret, webhook, after, on, metric, stream, parameters, concurrency, catchUp, partition, markStale, description];
        command.Validators.Add(result =>
        {
            if (result.GetValue(spec) is not null && others.Any(option => result.GetResult(option) is { Implicit: false }))
            {
                result.AddError("--spec has the whole trigger: nothing else can be said beside it but --replace.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            TriggerSpec trigger;
            if (parsed.GetValue(spec) is { } path)
            {
                trigger = GristmillJson.Deserialize<TriggerSpec>(await ReadAsync(path, cancellationToken)) with { Name = parsed.GetValue(name)! };
                if (parsed.GetValue(pipeline) is { } other && other != trigger.Pipeline)
                {
                    throw new GristmillException(ErrorCodes.Invalid, $"'{path}' starts pipeline '{trigger.Pipeline}', not '{other}'.", "Correct the file, or leave the pipeline out.");
                }
            }
            else
            {
                trigger = new TriggerSpec
                {
                    Name = parsed.GetValue(name)!,
                    Pipeline = parsed.GetValue(pipeline) ?? throw new GristmillException(ErrorCodes.Invalid, "No pipeline is named.", "Write 'mill trigger add NAME PIPELINE --cron ...'."),
                    Cron = parsed.GetValue(cron) is { } expression ? new CronSchedule(expression, parsed.GetValue(zone)!) : null,
                    Interval = parsed.GetValue(every) is { } time ? new IntervalSchedule(Duration(time)) : null,
                    File = parsed.GetValue(file) is { } pattern ? new FileArrival { Path = pattern } : null,
                    Object = Object(parsed.GetValue(item), parsed.GetValue(itemSecret)),
                    Webhook = parsed.GetValue(webhook) is { } secret ? new WebhookSource { Secret = secret } : null,
                    After = parsed.GetValue(after) is { } upstream ? new RunCompletion(upstream, parsed.GetValue(on) ?? default) : null,
                    Metric = parsed.GetValue(metric) is { } comparison ? Metric(comparison) : null,
                    Stream = parsed.GetValue(stream) is { } source ? Stream(source) : null,
                    Concurrency = parsed.GetValue(concurrency) ?? default,
                    CatchUp = parsed.GetValue(catchUp) ?? CatchUpPolicy.Once,
                    Partition = parsed.GetValue(partition),
                    MarkStale = parsed.GetValue(markStale),
                    Description = parsed.GetValue(description),
                };
                TriggerSpecValidator.ThrowIfInvalid(trigger);
                if (parsed.GetValue(parameters) is { Length: > 0 } pairs)
                {
                    trigger = trigger with { Parameters = await ParametersAsync(client, trigger.Pipeline, pairs, cancellationToken) };
                }
            }

            TriggerCommand.Write(context, await client.PutTriggerAsync(trigger, parsed.GetValue(replace), cancellationToken), parsed.GetValue(json), client);
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>Values in the types of the pipeline's parameters; placeholders stay as they are.</summary>
    internal static async Task<ImmutableDictionary<string, string>> ParametersAsync(GristmillClient client, string pipeline, string[] pairs, CancellationToken cancellationToken)
    {
        var known = (await client.GetPipelineAsync(pipeline, cancellationToken)).Spec!.Parameters;
        var values = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var pair in pairs)
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && pair.AsSpan(equals + 1).StartsWith("{{", StringComparison.Ordinal))
            {
                values[pair[..equals]] = JsonSerializer.Serialize(pair[(equals + 1)..], GristmillJson.Options);
            }
            else
            {
                var (name, json) = Literals.Parameter(pair, known);
                values[name] = json;
            }
        }

        return values.ToImmutable();
    }

    /// <summary>"30s", "15m", "6h", "1d", or 00:15:00.</summary>
    internal static TimeSpan Duration(string text)
    {
        if (Simple().Match(text) is { Success: true } match && double.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out var count) && count < 1e6)
        {
            return match.Groups[2].Value switch
            {
                "s" => TimeSpan.FromSeconds(count),
                "m" => TimeSpan.FromMinutes(count),
                "h" => TimeSpan.FromHours(count),
                _ => TimeSpan.FromDays(count),
            };
        }

        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time)
            ? time
            : throw new GristmillException(ErrorCodes.Invalid, $"'{text}' is not a time.", "Write it as 30s, 15m, 6h, 1d or 00:15:00.");
    }

    /// <summary>An object by its address and, perhaps, its secret's name.</summary>
    internal static ObjectArrival? Object(string? url, string? secret) =>
        url is not null ? new ObjectArrival { Url = url, Secret = secret }
        : secret is null ? null
        : throw new GristmillException(ErrorCodes.Invalid, "--object-secret stands without --object.", "Give the object's URL with --object.");

    /// <summary>"pipeline/stage/metric &lt; 0.6".</summary>
    internal static MetricThreshold Metric(string text) =>
        Comparison().Match(text) is { Success: true } match && double.TryParse(match.Groups[5].Value, CultureInfo.InvariantCulture, out var value)
            ? new MetricThreshold(match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value, match.Groups[4].Value, value)
            : throw new GristmillException(ErrorCodes.Invalid, $"'{text}' is not a comparison of a metric.", "Write it as 'flights/best/auc < 0.6'.");

    /// <summary>"provider/namespace/key".</summary>
    internal static StreamSource Stream(string text) => text.Split('/', 3) is [{ Length: > 0 } provider, { Length: > 0 } space, { Length: > 0 } key]
        ? new StreamSource(provider, space, key)
        : throw new GristmillException(ErrorCodes.Invalid, $"'{text}' is not a stream.", "Write it as provider/namespace/key.");

    private static async Task<string> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(path, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GristmillException(ErrorCodes.FileNotFound, $"'{path}' cannot be read: {e.Message}", "Name a JSON file.", e);
        }
    }

    [GeneratedRegex(@"\A([0-9]+(?:\.[0-9]+)?)([smhd])\z", RegexOptions.CultureInvariant)]
    private static partial Regex Simple();

    [GeneratedRegex(@"\A\s*([^/\s]+)/([^/\s]+)/(\S+)\s*(<=|>=|<|>)\s*(\S+)\s*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Comparison();
}
