using System.CommandLine;
using Gristmill.Cli.Infrastructure;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Writes a pipeline's spec: what a server is sent, for review, for keeping, for 'mill run'.</summary>
internal static class CompileCommand
{
    public static Command Create(CliContext context)
    {
        var file = new Argument<string>("file") { Description = "The C# file, project or assembly that defines the pipeline; or a spec, to check or convert." };
        var output = new Option<string?>("--output", "-o") { Description = "The file to write, by its name JSON (.json) or YAML (.yaml); without it JSON goes to standard output.", HelpName = "FILE" };
        var server = new Option<string?>("--server", "-s") { Description = "Ship the code that stages call to this server and name it in the spec, which then runs by itself.", HelpName = "URL" };
        var command = new Command("compile", "Write a pipeline's spec as JSON or YAML; 'mill run' takes it back.") { file, output, server };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = parsed.GetValue(file)!;
            var target = parsed.GetValue(output);
            if (target is not null && !SpecFile.IsSpec(target))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"'{target}' ends in neither .json nor .yaml.", "Name a file that does.");
            }

            var spec = SpecFile.IsSpec(path) ? SpecFile.Read(path) : await CompileAsync(context, path, parsed.GetValue(server), cancellationToken);
            if (target is null)
            {
                context.WriteLine(SpecFile.ToJson(spec));
            }
            else
            {
                SpecFile.Write(spec, target);
                await Console.Error.WriteLineAsync($"{target}: pipeline {spec.Name}, version {PipelineVersion.Of(spec)}, {Texts.Count(spec.Stages.Length, "stage")}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<PipelineSpec> CompileAsync(CliContext context, string path, string? server, CancellationToken cancellationToken)
    {
        var program = await PipelineProgram.BuildAsync(path, context.Console, cancellationToken);
        List<string> arguments = ["compile"];
        if (server is not null)
        {
            arguments.AddRange(["--cluster", GristmillClientOptions.ParseServer(server).AbsoluteUri]);
        }

        var (exitCode, answer) = await Dotnet.ReadAsync(program.Command(arguments), cancellationToken);
        return exitCode == ExitCodes.Ok
            ? SpecFile.FromJson(System.Text.Encoding.UTF8.GetBytes(answer))
            : throw new GristmillException(exitCode == ExitCodes.Unreachable ? ErrorCodes.Unreachable : ErrorCodes.Invalid, $"{program.Name} did not define its pipeline.", "It has said why above.");
    }
}
