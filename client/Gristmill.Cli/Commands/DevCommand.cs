using System.CommandLine;
using Gristmill.Cli.Infrastructure;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Builds and runs a pipeline on every save.</summary>
internal static class DevCommand
{
    public static Command Create(CliContext context)
    {
        var file = new Argument<string>("file") { Description = "The C# file or project that defines the pipeline; the sources in its folder are watched." };
        var parameters = new Option<string[]>("--param", "-p") { Description = "A parameter of the runs: name=value. May be repeated.", HelpName = "NAME=VALUE" };
        var server = new Option<string?>("--server", "-s") { Description = "Run on this server; without it a silo is started and kept warm while the command lasts.", HelpName = "URL" };
        var data = new Option<string>("--data", "-d") { Description = "Folder of that silo.", DefaultValueFactory = _ => Path.Combine(".gristmill", "dev"), HelpName = "DIR" };
        var command = new Command("dev", "Build and run a pipeline now and whenever its sources are saved; stages whose code, parameters and inputs are as before are reused. Ctrl+C ends.")
        {
            file, parameters, server, data,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var program = PipelineProgram.Open(parsed.GetValue(file)!);
            using var watcher = new SourceWatcher(program.Folder, context.Time);
            await using var silo = parsed.GetValue(server) is null ? await StartAsync(parsed.GetValue(data)!, cancellationToken) : null;
            var address = silo?.Address ?? GristmillClientOptions.ParseServer(parsed.GetValue(server)!);
            using var client = new GristmillClient(new GristmillClientOptions { Server = address });
            try
            {
                if (silo is not null)
                {
                    await silo.WaitReadyAsync(cancellationToken);
                }

                await Console.Error.WriteLineAsync($"Server {address}");
                await new DevLoop(context, program, client, address, watcher, parsed.GetValue(parameters) ?? []).RunAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Ctrl+C is how it ends.
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<SiloProcess> StartAsync(string data, CancellationToken cancellationToken)
    {
        await SiloProgram.EnsureAsync(cancellationToken);
        var folder = Path.GetFullPath(data);
        Directory.CreateDirectory(folder);
        // Relative paths in the pipeline mean what they mean in 'dotnet run'.
        return SiloProcess.Start(folder, LoopbackPort.Free(), Path.Combine(folder, "silo.log"), $"--Gristmill:BaseDirectory={Environment.CurrentDirectory}");
    }
}
