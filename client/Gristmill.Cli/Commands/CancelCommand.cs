using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Cancels a run.</summary>
internal static class CancelCommand
{
    public static Command Create(CliContext context)
    {
        var id = new Argument<string>("run") { Description = "The run's id; 'mill runs' lists them." };
        var server = CliContext.ServerOption();

        var command = new Command("cancel", "Cancel a run: its stages end within a second. A run that has ended stays as it is.") { id, server };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            await client.CancelRunAsync(parsed.GetValue(id)!, cancellationToken);
            var run = await client.GetRunAsync(parsed.GetValue(id)!, cancellationToken);
            context.WriteLine(run.Status is RunStatus.Pending or RunStatus.Running
                ? $"Run {run.Id} is being cancelled."
                : $"Run {run.Id} has ended: {Texts.Status(run.Status)}.");
            return ExitCodes.Ok;
        });
        return command;
    }
}
