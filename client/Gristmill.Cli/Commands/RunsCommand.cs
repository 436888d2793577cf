using System.CommandLine;
using System.Globalization;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Finds and lists runs.</summary>
internal static class RunsCommand
{
    public static Command Create(CliContext context)
    {
        var pipeline = new Argument<string?>("pipeline") { Description = "Only runs of this pipeline.", Arity = ArgumentArity.ZeroOrOne };
        var filter = new Option<string?>("--filter") { Description = "Only runs for which this holds: \"params.epochs = '8' and metrics.auc > 0.7 and tags.team = 'x'\".", HelpName = "TEXT" };
        var order = new Option<string?>("--order") { Description = "What they are ordered by, such as \"metrics.auc desc\" (default: newest first).", HelpName = "FIELD" };
        var columns = new Option<string?>("--columns") { Description = "What to show beside the id: \"status,duration,params.epochs,metrics.auc\".", HelpName = "FIELDS" };
        var limit = new Option<int>("--limit", "-n") { Description = "How many, at most 1000.", DefaultValueFactory = _ => 20 };
        var page = new Option<string?>("--page") { Description = "The page after an earlier answer, which named it.", HelpName = "TOKEN" };
        var before = new Option<string?>("--before") { Description = "Only runs older than this one.", HelpName = "RUN" };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();
        limit.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > RunQuery.MaxLimit)
            {
                result.AddError($"--limit must be 1 to {RunQuery.MaxLimit}.");
            }
        });

        var command = new Command("runs", "Find and list runs, newest first unless --order says otherwise.") { pipeline, filter, order, columns, limit, page, before, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var found = await client.SearchRunsAsync(new RunQuery
            {
                Pipeline = parsed.GetValue(pipeline),
                Filter = parsed.GetValue(filter),
                Order = parsed.GetValue(order),
                Limit = parsed.GetValue(limit),
                Page = parsed.GetValue(page),
                Before = parsed.GetValue(before),
            }, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(found.Runs);
            }
            else if (found.Runs.Count == 0)
            {
                context.WriteLine(parsed.GetValue(filter) is null ? "There are no runs." : "There are no runs for which the filter holds.");
            }
            else
            {
                var fields = (parsed.GetValue(columns) ?? Default(parsed.GetValue(order), parsed.GetValue(filter), found.Runs))
                    .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
                var now = context.Time.GetUtcNow();
                context.WriteTable(["run", .. fields], found.Runs.Select(run => (string[])[run.Id, .. fields.Select(field => Cell(run, field, now))]));
            }

            if (found.Next is { } next)
            {
                await Console.Error.WriteLineAsync($"There are more: --page {next}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>What runs are asked for by is worth seeing, and which partition each is for.</summary>
    private static string Default(string? order, string? filter, IReadOnlyList<RunRecord> runs)
    {
        var named = $"{order} {filter}".Split([' ', '(', ')', '=', '<', '>', '!', ','], StringSplitOptions.RemoveEmptyEntries)
            .Where(static word => word == "trigger" || word.StartsWith("metrics.", StringComparison.Ordinal) || word.StartsWith("params.", StringComparison.Ordinal) || word.StartsWith("tags.", StringComparison.Ordinal))
            .Distinct(StringComparer.Ordinal).Take(6);
        var partition = runs.Any(static run => run.Partition is not null) ? new[] { "partition" } : [];
        return string.Join(',', (string[])["pipeline", .. partition, "status", "started", "took", .. named]);
    }

    /// <summary>The text of a field.</summary>
    internal static string Cell(RunRecord run, string field, DateTimeOffset now)
    {
        var dot = field.IndexOf('.', StringComparison.Ordinal);
        var (kind, name) = dot < 0 ? (field, "") : (field[..dot], field[(dot + 1)..].Trim('`'));
        return kind switch
        {
            "pipeline" => run.Pipeline,
            "status" => Texts.Status(run.Status),
            "version" => run.PipelineVersion ?? "",
            "error" => run.Error ?? "",
            "partition" => run.Partition ?? "",
            "trigger" => run.Trigger ?? "",
            "created" or "started" => Texts.Time(run.Created),
            "ended" => run.Ended is { } ended ? Texts.Time(ended) : "",
            "took" or "duration" => Texts.Duration((run.Ended ?? now) - run.Created),
            "params" or "param" => run.Parameters.GetValueOrDefault(name, ""),
            "tags" or "tag" => run.Tags.GetValueOrDefault(name, ""),
            "metrics" or "metric" => Metric(run, name) is { } value ? value.ToString("G6", CultureInfo.InvariantCulture) : "",
            _ => throw new GristmillException(ErrorCodes.Invalid, $"There is no column '{field}'.",
                "Columns are pipeline, status, version, error, partition, trigger, started, ended, took, params.NAME, tags.NAME and metrics.NAME."),
        };
    }

    /// <summary>A metric by its full name, or by its own where one stage alone has it.</summary>
    private static double? Metric(RunRecord run, string name)
    {
        if (run.Metrics.TryGetValue(name, out var value))
        {
            return value;
        }

        var candidates = run.Metrics.Where(metric => metric.Key.EndsWith("." + name, StringComparison.Ordinal)).Take(2).ToArray();
        return candidates.Length == 1 ? candidates[0].Value : null;
    }
}
