using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Puts runs side by side: a few with all that they were made of, hundreds with what they were set to and what they reached.</summary>
internal static class CompareCommand
{
    private const int WidestCell = 40;

    /// <summary>Columns of parameters, and of metrics, where a row is a run.</summary>
    private const int MostColumns = 8;

    public static Command Create(CliContext context)
    {
        var runs = new Argument<string[]>("runs")
        {
            Description = $"The runs, two or more; 'mill runs' lists them. Up to {ComparedRuns.MaxRuns} are columns with everything; of more, up to {RunQuery.MaxLimit}, each is a row of parameters and metrics.",
            Arity = new ArgumentArity(0, RunQuery.MaxLimit),
        };
        var pipeline = new Option<string?>("--pipeline") { Description = "In place of runs: those of this pipeline, a row each.", HelpName = "NAME" };
        var filter = new Option<string?>("--filter") { Description = "In place of runs: those for which this holds, a row each: \"metrics.auc > 0.7 and tags.team = 'x'\".", HelpName = "TEXT" };
        var order = new Option<string?>("--order") { Description = "With --pipeline or --filter: what they are ordered by, such as \"metrics.auc desc\" (default: newest first).", HelpName = "FIELD" };
        var limit = new Option<int>("--limit", "-n") { Description = $"With --pipeline or --filter: how many, at most {RunQuery.MaxLimit}.", DefaultValueFactory = _ => RunQuery.MaxLimit };
        var all = new Option<bool>("--all") { Description = "Also what is the same in all of them." };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("compare", "Put runs side by side: parameters, metrics, times of stages, digests of code and inputs, versions; or hundreds below each other: parameters and newest metrics.")
        {
            runs, pipeline, filter, order, limit, all, server, json,
        };
        command.Validators.Add(result =>
        {
            var named = result.GetValue(runs)?.Length ?? 0;
            var searched = result.GetValue(pipeline) is not null || result.GetValue(filter) is not null;
            if (searched ? named > 0 : named < 2)
            {
                result.AddError("Name two runs or more, or say which with --pipeline or --filter.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var ids = parsed.GetValue(runs)!;
            if (ids.Length is > 0 and <= ComparedRuns.MaxRuns)
            {
                Columns(context, await client.CompareRunsAsync(ids, cancellationToken), parsed.GetValue(all), parsed.GetValue(json));
                return ExitCodes.Ok;
            }

            var query = new RunQuery { Pipeline = parsed.GetValue(pipeline), Filter = parsed.GetValue(filter), Order = parsed.GetValue(order), Limit = parsed.GetValue(limit) };
            var (found, next) = ids.Length > 0 ? new RunPage(await client.GetRunRecordsAsync(ids, cancellationToken), null) : await client.SearchRunsAsync(query, cancellationToken);
            Rows(context, found, parsed.GetValue(all), parsed.GetValue(json));
            if (next is not null)
            {
                await Console.Error.WriteLineAsync($"There are more than these {Texts.Count(found.Count)}: a --filter or an --order says which.");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>A column a run.</summary>
    private static void Columns(CliContext context, ComparedRuns comparison, bool all, bool json)
    {
        if (json)
        {
            context.WriteJson(comparison);
            return;
        }

        var rows = comparison.Rows.Where(row => row.Differs || all).ToList();
        context.WriteTable(["", "", .. comparison.Runs], rows.Select(static row => (string[])[row.Group, row.Name, .. row.Values.Select(Cell)]));
        if (rows.Count < comparison.Rows.Length)
        {
            context.WriteLine($"{comparison.Rows.Length - rows.Count} more are the same in all; --all shows them.");
        }
    }

    /// <summary>A row a run.</summary>
    private static void Rows(CliContext context, IReadOnlyList<RunRecord> runs, bool all, bool json)
    {
        if (json)
        {
            context.WriteJson(runs);
            return;
        }

        if (runs.Count == 0)
        {
            context.WriteLine("There are no such runs.");
            return;
        }

        var facts = Differing([("pipeline", static run => run.Pipeline), ("version", static run => run.PipelineVersion), ("partition", static run => run.Partition)]);
        var parameters = Differing(runs.SelectMany(static run => run.Parameters.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(static name => (name, (Func<RunRecord, string?>)(run => run.Parameters.GetValueOrDefault(name)))));
        var metrics = Differing(runs.SelectMany(static run => run.Metrics.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(static name => (name, (Func<RunRecord, string?>)(run => run.Metrics.TryGetValue(name, out var value) ? Texts.Number(value) : null))));
        var most = all ? int.MaxValue : MostColumns;
        (string Name, Func<RunRecord, string?> Value)[] columns = [("status", static run => Texts.Status(run.Status)), .. facts, .. parameters.Take(most), .. metrics.Take(most)];
        context.WriteTable(["run", .. columns.Select(static column => column.Name)], runs.Select(run => (string[])[run.Id, .. columns.Select(column => Cell(column.Value(run)))]));
        var left = Math.Max(0, parameters.Count - most) + Math.Max(0, metrics.Count - most);
        context.WriteLine($"{Texts.Count(runs.Count, "run")}{(left > 0 ? $"; {Texts.Count(left)} more parameters and metrics differ" : "")}{(all ? "." : "; --all shows also what is the same in all.")}");

        List<(string Name, Func<RunRecord, string?> Value)> Differing(IEnumerable<(string Name, Func<RunRecord, string?> Value)> candidates) =>
            [.. candidates.Where(candidate => all || runs.Select(candidate.Value).Distinct(StringComparer.Ordinal).Skip(1).Any())];
    }

    private static string Cell(string? value) => value is null ? "-" : value.Length <= WidestCell ? value : value[..(WidestCell - 3)] + "...";
}
