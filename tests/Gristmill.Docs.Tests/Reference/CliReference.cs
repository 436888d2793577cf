using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using System.Text;
using Gristmill.Cli;
using Spectre.Console;

namespace Gristmill.Docs;

/// <summary>docs/reference/cli.md, from the commands themselves.</summary>
internal static class CliReference
{
    public static string Write()
    {
        var text = new StringBuilder();
        text.Append("# Command line\n\nWritten by `./mill docs` from the commands' own help.\n\n");
        var root = MillCli.Create(AnsiConsole.Console);
        text.Append(root.Description!.Trim()).Append("\n\n");
        foreach (var command in root.Subcommands.Where(c => !c.Hidden))
        {
            Command(text, command, "mill " + command.Name);
        }

        return text.ToString().TrimEnd() + "\n";
    }

    private static void Command(StringBuilder text, Command command, string path)
    {
        var arguments = command.Arguments.Where(a => !a.Hidden).Select(a => a.Arity.MinimumNumberOfValues == 0 ? $"[{a.Name.ToUpperInvariant()}]" : a.Name.ToUpperInvariant());
        var options = command.Options.Where(o => !o.Hidden && o is not HelpOption and not VersionOption).ToList();
        text.Append("## ").Append(path).Append("\n\n").Append(command.Description?.Trim()).Append("\n\n    ")
            .Append(string.Join(' ', arguments.Prepend(path))).Append(options.Count > 0 ? " [options]" : "").Append(command.Subcommands.Count > 0 ? " COMMAND" : "").Append("\n\n");
        if (command.Arguments.Count > 0 || options.Count > 0)
        {
            text.Append("| argument | meaning |\n|---|---|\n");
            foreach (var argument in command.Arguments.Where(a => !a.Hidden))
            {
                text.Append(CultureInfo.InvariantCulture, $"| `{argument.Name.ToUpperInvariant()}` | {Cell(argument.Description)} |\n");
            }

            foreach (var option in options)
            {
                var names = string.Join(", ", option.Aliases.Prepend(option.Name).Distinct().Select(name => $"`{name}{(option.ValueType == typeof(bool) ? "" : " " + (option.HelpName ?? "VALUE"))}`"));
                text.Append(CultureInfo.InvariantCulture, $"| {names} | {Cell(option.Description)}{(option.Required ? " Required." : "")} |\n");
            }

            text.Append('\n');
        }

        foreach (var child in command.Subcommands.Where(c => !c.Hidden))
        {
            Command(text, child, $"{path} {child.Name}");
        }
    }

    private static string Cell(string? text) => (text ?? "").Replace("|", "\\|", StringComparison.Ordinal).Replace('\n', ' ').Trim();
}
