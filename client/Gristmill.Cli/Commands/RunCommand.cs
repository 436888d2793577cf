using System.CommandLine;
using Gristmill.Cli.Infrastructure;
using Gristmill.Client;

namespace Gristmill.Cli.Commands;

/// <summary>Builds a pipeline's program and has it ship itself.</summary>
internal static class RunCommand
{
    public static Command Create(CliContext context)
    {
        var file = new Argument<string>("file") { Description = "The C# file, project or assembly that defines the pipeline, or a spec (.json, .yaml)." };
        var parameters = new Option<string[]>("--param", "-p") { Description = "A parameter of the run: name=value. May be repeated.", HelpName = "NAME=VALUE" };
        var partition = new Option<string?>("--partition", "--partitions") { Description = "Of a partitioned pipeline: a key, or a range as FROM..TO; of two dimensions FIRST/SECOND.", HelpName = "KEY" };
        var detach = new Option<bool>("--detach") { Description = "Start the run and return its id; do not follow it." };
        var noCache = new Option<bool>("--no-cache") { Description = "Execute every stage; take no earlier result over." };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("run", "Build a pipeline's file, ship it to the server, run it and follow it. Ctrl+C cancels the run.")
        {
            file, parameters, partition, detach, noCache, server, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (SpecFile.IsSpec(parsed.GetValue(file)!))
            {
                var request = new RunRequest { Partition = parsed.GetValue(partition), NoCache = parsed.GetValue(noCache) };
                return await SpecRun.RunAsync(context, parsed.GetValue(file)!, parsed.GetValue(server), parsed.GetValue(parameters) ?? [], request, parsed.GetValue(detach),
                    parsed.GetValue(json), cancellationToken);
            }

            var address = parsed.GetValue(server) is { } given ? GristmillClientOptions.ParseServer(given) : GristmillClientOptions.DefaultServer;
            var program = await PipelineProgram.BuildAsync(parsed.GetValue(file)!, context.Console, cancellationToken);
            List<string> arguments = parsed.GetValue(detach) ? ["submit"] : ["run"];
            arguments.AddRange(["--cluster", address.AbsoluteUri]);
            arguments.AddRange((parsed.GetValue(parameters) ?? []).SelectMany(p => new[] { "--param", p }));
            if (parsed.GetValue(partition) is { } key)
            {
                arguments.AddRange(["--partition", key]);
            }

            if (parsed.GetValue(noCache))
            {
                arguments.Add("--no-cache");
            }

            if (parsed.GetValue(json))
            {
                arguments.Add("--json");
            }

            return await Dotnet.PassThroughAsync(program.Command(arguments));
        });
        return command;
    }
}
