using System.CommandLine;
using Gristmill.Cli.Doctor;
using Gristmill.Display;
using Spectre.Console;

namespace Gristmill.Cli.Commands;

/// <summary>Says what is wrong with this machine, and what to do.</summary>
internal static class DoctorCommand
{
    public static Command Create(CliContext context)
    {
        var data = new Option<string>("--data", "-d") { Description = "The data folder to look at.", DefaultValueFactory = _ => "gristmill-data", HelpName = "DIR" };
        var port = new Option<int>("--port", "-p") { Description = "The port to look at.", DefaultValueFactory = _ => 5080 };
        var json = CliContext.JsonOption();

        var command = new Command("doctor", "Check ports, shared memory, disk, memory, SDK, native libraries and the data folder. Exit code 1: something is wrong.")
        {
            data, port, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var findings = await Examination.RunAsync(parsed.GetValue(data)!, parsed.GetValue(port), cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(findings);
            }
            else
            {
                Write(context, findings);
            }

            return findings.Any(f => f.Health == Health.Wrong) ? ExitCodes.Failed : ExitCodes.Ok;
        });
        return command;
    }

    private static void Write(CliContext context, IReadOnlyList<Finding> findings)
    {
        static string Word(Health health) => health switch { Health.Well => "ok", Health.Warning => "warning", _ => "wrong" };
        if (context.IsInteractive)
        {
            var table = new Spectre.Console.Table().Border(TableBorder.Rounded).BorderColor(Color.Grey).AddColumn("check").AddColumn("").AddColumn("found").AddColumn("what to do");
            foreach (var finding in findings)
            {
                var colour = finding.Health switch { Health.Well => "green", Health.Warning => "yellow", _ => "red" };
                table.AddRow(new Text(finding.Check), new Markup($"[{colour}]{Word(finding.Health)}[/]"), new Text(finding.Found), new Text(finding.Remedy ?? ""));
            }

            context.Console.Write(table);
        }
        else
        {
            context.WriteTable(["check", "", "found", "what to do"], findings.Select(f => new[] { f.Check, Word(f.Health), f.Found, f.Remedy ?? "" }));
        }

        var wrong = findings.Count(f => f.Health == Health.Wrong);
        var warnings = findings.Count(f => f.Health == Health.Warning);
        context.WriteLine(wrong > 0 ? $"{wrong} wrong, {warnings} warnings." : warnings > 0 ? $"Nothing is wrong; {warnings} warnings." : "All is well.");
    }
}
