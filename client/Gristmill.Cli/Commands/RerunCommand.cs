using System.Collections.Immutable;
using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Starts a run again, with the version of the pipeline that it had.</summary>
internal static class RerunCommand
{
    public static Command Create(CliContext context)
    {
        var id = new Argument<string>("run") { Description = "The run to start again; 'mill runs' lists them." };
        var parameters = new Option<string[]>("--param", "-p") { Description = "A parameter that is to be different: name=value. May be repeated.", HelpName = "NAME=VALUE" };
        var noCache = new Option<bool>("--no-cache") { Description = "Execute every stage; take no earlier result over." };
        var detach = new Option<bool>("--detach") { Description = "Start the run and return its id; do not follow it." };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("rerun", "Start a new run of the version and with the parameters of an earlier one, but for those given, and follow it.")
        {
            id, parameters, noCache, detach, server, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var earlier = await client.GetRunAsync(parsed.GetValue(id)!, cancellationToken);
            // Types are those of the newest version: the server checks the values against the one that is used.
            var known = (await client.GetPipelineAsync(earlier.Pipeline, cancellationToken)).Spec?.Parameters ?? [];
            var given = (parsed.GetValue(parameters) ?? []).Select(pair => Literals.Parameter(pair, known)).ToImmutableDictionary(static p => p.Name, static p => p.Json);
            var run = await client.RerunAsync(earlier.Id, new RunRequest { Parameters = given, NoCache = parsed.GetValue(noCache) }, cancellationToken);
            if (parsed.GetValue(detach))
            {
                context.WriteLine(parsed.GetValue(json) ? GristmillJson.Serialize(new { run, pipeline = earlier.Pipeline }) : $"Run {run} of {earlier.Pipeline} started; 'mill show --follow {run}' follows it.");
                return ExitCodes.Ok;
            }

            if (parsed.GetValue(json))
            {
                var ended = await client.WaitRunAsync(run, cancellationToken);
                context.WriteJson(ended);
                return ExitCodes.Of(ended.Status);
            }

            var display = new RunDisplay(context.Console, context.Time);
            var view = await display.FollowAsync(client.WatchRunAsync(run, cancellationToken), cancellationToken) ?? await client.GetRunAsync(run, cancellationToken);
            display.WriteEnd(view);
            return ExitCodes.Of(view.Status);
        });
        return command;
    }
}
