using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Shows what a stage has printed.</summary>
internal static class LogsCommand
{
    public static Command Create(CliContext context)
    {
        var run = new Argument<string>("run") { Description = "The run's id; 'mill runs' lists them." };
        var stage = new Argument<string>("stage") { Description = "The stage; 'mill show RUN' lists them." };
        var attempt = new Option<int?>("--attempt") { Description = "The attempt (default: the newest).", HelpName = "N" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on until the attempt ends." };
        var server = CliContext.ServerOption();
        var json = new Option<bool>("--json") { Description = "Write a line of JSON a page." };

        var command = new Command("logs", "Show what a stage's code has printed, and with --follow what it prints.") { run, stage, attempt, follow, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var pages = client.FollowLogAsync(parsed.GetValue(run)!, parsed.GetValue(stage)!, parsed.GetValue(attempt), parsed.GetValue(follow), cancellationToken);
            await foreach (var page in pages)
            {
                if (parsed.GetValue(json))
                {
                    context.WriteLine(GristmillJson.Serialize(page));
                    continue;
                }

                var output = context.Console.Profile.Out.Writer;
                if (page.Dropped > 0)
                {
                    await output.WriteLineAsync($"\n... {Texts.Bytes(page.Dropped)} were printed here and not kept ...");
                }

                await output.WriteAsync(page.Text);
                await output.FlushAsync(cancellationToken);
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
