using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Lists runs.</summary>
internal static class RunsCommand
{
    public static Command Create(CliContext context)
    {
        var pipeline = new Argument<string?>("pipeline") { Description = "Only runs of this pipeline.", Arity = ArgumentArity.ZeroOrOne };
        var limit = new Option<int>("--limit", "-n") { Description = "How many, at most 1000.", DefaultValueFactory = _ => 20 };
        var before = new Option<string?>("--before") { Description = "Only runs older than this one, for paging.", HelpName = "RUN" };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();
        limit.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 1000)
            {
                result.AddError("--limit must be 1 to 1000.");
            }
        });

        var command = new Command("runs", "List runs, newest first.") { pipeline, limit, before, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var runs = await client.ListRunsAsync(parsed.GetValue(pipeline), parsed.GetValue(limit), parsed.GetValue(before), cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(runs);
            }
            else if (runs.Count == 0)
            {
                context.WriteLine("There are no runs.");
            }
            else
            {
                context.WriteTable(["run", "pipeline", "status", "started", "took"], runs.Select(run => new[]
                {
                    run.Id, run.Pipeline, Texts.Status(run.Status), Texts.Time(run.Created),
                    Texts.Duration((run.Ended ?? context.Time.GetUtcNow()) - run.Created),
                }));
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
