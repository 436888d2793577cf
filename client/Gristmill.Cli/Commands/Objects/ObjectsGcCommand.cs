using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Removes objects that nobody needs.</summary>
internal static class ObjectsGcCommand
{
    public static Command Create(CliContext context)
    {
        var dryRun = new Option<bool>("--dry-run") { Description = "Only tell what would go." };
        var older = new Option<string>("--older-than") { Description = "Only what was sealed so long ago: 30m, 12h, 7d, 0s (default: 1h).", HelpName = "TIME", DefaultValueFactory = _ => "1h" };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("gc", "Remove tables of which no run is left, that no cached result refers to and that neither a process has mapped nor a pin keeps; and what dead writers left.")
        {
            dryRun, older, server, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var age = TriggerAddCommand.Duration(parsed.GetValue(older)!);
            using var client = CliContext.Connect(parsed.GetValue(server));
            var gone = await client.CollectObjectsAsync(age, parsed.GetValue(dryRun), cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(gone);
                return ExitCodes.Ok;
            }

            if (gone.DryRun && gone.Largest.Count > 0)
            {
                ObjectsCommand.WriteTable(context, gone.Largest);
            }

            context.WriteLine($"{(gone.DryRun ? "Would remove" : "Removed")} {Texts.Count(gone.Objects, "object")} ({Texts.Bytes(gone.Bytes)}) and {Texts.Count(gone.Abandoned)} unfinished of dead writers ({Texts.Bytes(gone.AbandonedBytes)}).");
            if (gone.Mapped > 0)
            {
                context.WriteLine($"{Texts.Count(gone.Mapped)} more stay as long as a process has them mapped.");
            }

            if (gone.Pinned > 0)
            {
                context.WriteLine($"{Texts.Count(gone.Pinned)} more stay as long as they are pinned.");
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
