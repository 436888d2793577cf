using System.CommandLine;
using Gristmill.Cli.Infrastructure;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Shows what is there of a partitioned pipeline, or marks partitions stale.</summary>
internal static class PartitionsCommand
{
    public static Command Create(CliContext context)
    {
        var pipeline = new Argument<string>("pipeline") { Description = "The pipeline." };
        var range = new Option<string?>("--range") { Description = "Only these: a key, FROM..TO or *; of two dimensions FIRST/SECOND, each of them so.", HelpName = "RANGE" };
        var status = new ChoiceOption<PartitionStatus>("--status") { Description = "Only those that are missing, running, ready, stale or failed." };
        var limit = new Option<int>("--limit", "-n") { Description = "How many, at most 1000.", DefaultValueFactory = _ => 200 };
        var after = new Option<string?>("--after") { Description = "Only those that come after this key, for paging.", HelpName = "KEY" };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("partitions", "Show which partitions of a pipeline are there, missing, failed or stale.") { pipeline, range, status, limit, after, server, json, MarkStale(context) };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var page = await client.ListPartitionsAsync(parsed.GetValue(pipeline)!,
                new PartitionQuery(parsed.GetValue(range), parsed.GetValue(status), parsed.GetValue(limit), parsed.GetValue(after)), cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(page);
                return ExitCodes.Ok;
            }

            if (page.Spec.Dimensions.Length == 2 && parsed.GetValue(status) is null && Grid(context, page) is { } grid)
            {
                context.WriteTable(grid.Headings, grid.Rows);
            }
            else
            {
                context.WriteTable([string.Join('/', page.Spec.Dimensions.Select(d => d.Name)), "status", "made", "run", ""], page.Items.Select(item => new[]
                {
                    item.Key, Word(item.Status), item.Made is { } made ? Texts.Time(made) : "", item.Run ?? "", item.Reason ?? "",
                }));
            }

            context.WriteLine(string.Join(", ", Enum.GetValues<PartitionStatus>().Where(page.Counts.ContainsKey).Select(s => $"{Texts.Count(page.Counts[s])} {Word(s)}")) + ".");
            if (page.Next is { } next)
            {
                context.WriteLine($"More: --after {next}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    internal static string Word(PartitionStatus status) => status.ToString().ToLowerInvariant();

    /// <summary>A row for each key of the first dimension, a column for each of the second, as far as the page has them; null where a terminal is too narrow for it.</summary>
    private static (string[] Headings, List<string[]> Rows)? Grid(CliContext context, PartitionPage page)
    {
        var items = page.Items.Select(static item => (Key: item.Key.Split('/'), Word: Word(item.Status))).ToList();

        // Listed keys as they are listed; those of time are not listed, and sort as they are written. A page may begin within a row.
        var columns = items.Select(static item => item.Key[1]).Distinct()
            .OrderBy(key => page.Spec.Dimensions[1].Keys.IndexOf(key)).ThenBy(static key => key, StringComparer.Ordinal).ToList();
        var rows = items.GroupBy(static item => item.Key[0], StringComparer.Ordinal).Select(row =>
        {
            var cells = row.ToDictionary(static item => item.Key[1], static item => item.Word, StringComparer.Ordinal);
            return new[] { row.Key }.Concat(columns.Select(column => cells.GetValueOrDefault(column, ""))).ToArray();
        }).ToList();
        string[] headings = [page.Spec.Dimensions[0].Name, .. columns];
        var width = headings.Select((heading, i) => rows.Select(row => row[i].Length).Append(heading.Length).Max() + 3).Sum() + 1;
        return context.IsInteractive && width > context.Console.Profile.Width ? null : (headings, rows);
    }

    private static Command MarkStale(CliContext context)
    {
        var pipeline = new Argument<string>("pipeline") { Description = "The pipeline." };
        var range = new Argument<string>("range") { Description = "A key, FROM..TO, or *." };
        var reason = new Option<string?>("--reason") { Description = "Why, for people." };
        var server = CliContext.ServerOption();
        var command = new Command("mark-stale", "Say that partitions must be made anew, as their data changed.") { pipeline, range, reason, server };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var count = await client.MarkStaleAsync(parsed.GetValue(pipeline)!, parsed.GetValue(range)!, parsed.GetValue(reason), cancellationToken);
            // In quotes: a shell would take an asterisk for files.
            context.WriteLine($"Marked {Texts.Count(count, "partition")} stale. To make anew what is stale: mill backfill {parsed.GetValue(pipeline)} \"{parsed.GetValue(range)}\" --stale");
            return ExitCodes.Ok;
        });
        return command;
    }
}
