using System.CommandLine;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Pauses a run, lets it go on, and retries one that failed.</summary>
internal static class ControlCommands
{
    public static Command Pause(CliContext context) =>
        Create(context, "pause", "Pause a run: running stages finish, no new ones start.", static (client, id, token) => client.PauseRunAsync(id, token), "is paused");

    public static Command Resume(CliContext context) =>
        Create(context, "resume", "Let a paused run go on.", static (client, id, token) => client.ResumeRunAsync(id, token), "goes on");

    public static Command Retry(CliContext context) =>
        Create(context, "retry", "Let a run that failed or was cancelled go on: what it has committed stays, the other stages start anew.",
            static (client, id, token) => client.RetryRunAsync(id, token), "goes on");

    private static Command Create(CliContext context, string verb, string description, Func<GristmillClient, string, CancellationToken, Task<RunView>> act, string outcome)
    {
        var id = new Argument<string>("run") { Description = "The run's id; 'mill runs' lists them." };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();
        var command = new Command(verb, description) { id, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var run = await act(client, parsed.GetValue(id)!, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(run);
            }
            else
            {
                context.WriteLine($"Run {run.Id} {outcome}; 'mill show --follow {run.Id}' follows it.");
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
