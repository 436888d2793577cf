using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Shows, sets and removes tags of a run.</summary>
internal static class TagCommand
{
    public static Command Create(CliContext context)
    {
        var run = new Argument<string>("run") { Description = "The run's id; 'mill runs' lists them." };
        var tags = new Argument<string[]>("tags") { Description = "NAME=VALUE sets a tag, NAME= removes it; none shows them.", Arity = ArgumentArity.ZeroOrMore };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("tag", "Show, set or remove tags of a run.") { run, tags, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var changes = (parsed.GetValue(tags) ?? []).Select(Split).ToDictionary(static tag => tag.Name, static tag => tag.Value, StringComparer.Ordinal);
            var now = await client.SetTagsAsync(parsed.GetValue(run)!, changes, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(now);
            }
            else if (now.Count == 0)
            {
                context.WriteLine("The run has no tags.");
            }
            else
            {
                context.WriteTable(["tag", "value"], now.OrderBy(static tag => tag.Key, StringComparer.Ordinal).Select(static tag => new[] { tag.Key, tag.Value }));
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static (string Name, string? Value) Split(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? (text[..equals], text.Length > equals + 1 ? text[(equals + 1)..] : null)
            : throw new GristmillException(ErrorCodes.Invalid, $"'{text}' is no tag.", "Write NAME=VALUE, or NAME= to remove it.");
    }
}
