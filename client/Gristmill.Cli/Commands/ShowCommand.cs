using System.CommandLine;
using Gristmill.Display;
using Spectre.Console;

namespace Gristmill.Cli.Commands;

/// <summary>Shows a run with its stages.</summary>
internal static class ShowCommand
{
    public static Command Create(CliContext context)
    {
        var id = new Argument<string>("run") { Description = "The run's id; 'mill runs' lists them." };
        var follow = new Option<bool>("--follow", "-f") { Description = "Follow the run until it ends." };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("show", "Show a run with its stages. With --follow the exit code tells how it ended.") { id, follow, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var display = new RunDisplay(context.Console, context.Time);
            var run = await client.GetRunAsync(parsed.GetValue(id)!, cancellationToken);
            var following = parsed.GetValue(follow);
            if (parsed.GetValue(json))
            {
                context.WriteJson(following ? run = await client.WaitRunAsync(run.Id, cancellationToken) : run);
                return following ? ExitCodes.Of(run.Status) : ExitCodes.Ok;
            }

            if (following)
            {
                run = await display.FollowAsync(client.WatchRunAsync(run.Id, cancellationToken), cancellationToken) ?? run;
                display.WriteEnd(run);
                return ExitCodes.Of(run.Status);
            }

            Describe(context, display, run);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Describe(CliContext context, RunDisplay display, RunView run)
    {
        context.WriteLine($"{run.Pipeline} {run.PipelineVersion}, started {Texts.Time(run.Created)}");
        foreach (var (name, value) in run.Parameters.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            context.WriteLine($"  {name} = {value}");
        }

        if (context.IsInteractive)
        {
            context.Console.Write(display.Table(run));
        }
        else
        {
            context.WriteTable(["stage", "status", "rows", "time", ""], run.Stages.Select(stage => new[]
            {
                stage.Name, Texts.Status(stage.Status), stage.Usage is { Rows: > 0 } usage ? Texts.Count(usage.Rows) : "",
                Texts.Elapsed(stage, context.Time.GetUtcNow()) is { } elapsed ? Texts.Duration(elapsed) : "", Texts.Detail(stage),
            }));
        }

        display.WriteEnd(run);
    }
}
