using System.CommandLine;
using Gristmill.Cli.Infrastructure;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Makes a project from the template.</summary>
internal static class NewCommand
{
    public static Command Create(CliContext context)
    {
        var name = new Argument<string>("name") { Description = "The project's name: letters, digits, '-', '_' and '.', starting with a letter." };
        var output = new Option<string?>("--output", "-o") { Description = "The folder to make (default: the name, in the current folder); it must not exist or be empty.", HelpName = "DIR" };
        var json = CliContext.JsonOption();
        var command = new Command("new", "Make a project: a pipeline with data to begin with, its tests, and a README.") { name, output, json };
        command.SetAction(parsed =>
        {
            var folder = Path.GetFullPath(parsed.GetValue(output) ?? parsed.GetValue(name)!);
            var files = ProjectTemplate.Write(parsed.GetValue(name)!, folder);
            if (parsed.GetValue(json))
            {
                context.WriteJson(new { folder, files });
                return ExitCodes.Ok;
            }

            foreach (var file in files)
            {
                context.WriteLine($"  {file}");
            }

            context.WriteLine($"Next: cd {Path.GetRelativePath(Environment.CurrentDirectory, folder)} && dotnet run    (the first time restores packages of about 2 GB)");
            return ExitCodes.Ok;
        });
        return command;
    }
}
