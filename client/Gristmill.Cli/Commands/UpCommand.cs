using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Gristmill.Cli.Infrastructure;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Starts a silo in the foreground.</summary>
internal static class UpCommand
{
    public static Command Create(CliContext context)
    {
        var data = new Option<string>("--data", "-d") { Description = "Folder of everything durable; one silo a folder.", DefaultValueFactory = _ => "gristmill-data", HelpName = "DIR" };
        var port = new Option<int>("--port", "-p") { Description = "Port of REST, dashboard and health on 127.0.0.1; 0: a free one.", DefaultValueFactory = _ => 5080 };
        var flight = new Option<int>("--flight-port") { Description = "Port of Arrow Flight on 127.0.0.1; 0: 5081 beside REST's 5080, else a free one." };
        var cluster = new Option<string?>("--cluster") { Description = "The cluster's name." };
        var rest = new Argument<string[]>("settings") { Description = "Further settings: --Gristmill:Slots=4", Arity = ArgumentArity.ZeroOrMore };
        foreach (var option in new[] { port, flight })
        {
            option.Validators.Add(result =>
            {
                if (result.GetValueOrDefault<int>() is < 0 or > 65535)
                {
                    result.AddError($"{option.Name} must be 0 to 65535.");
                }
            });
        }

        var command = new Command("up", "Start a silo in the foreground; Ctrl+C stops it. Exit code 1: it could not start, for instance because the data folder is in use.")
        {
            data, port, flight, cluster, rest,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var chosen = parsed.GetValue(port) is var wanted and not 0 ? wanted : LoopbackPort.Free();
            var settings = parsed.GetValue(rest)!.AsEnumerable();
            if (parsed.GetValue(flight) is var flightPort and not 0)
            {
                settings = settings.Append(string.Create(CultureInfo.InvariantCulture, $"--Gristmill:FlightPort={flightPort}"));
            }

            if (parsed.GetValue(cluster) is { } name)
            {
                settings = settings.Append($"--Gristmill:Cluster={name}");
            }

            await SiloProgram.EnsureAsync(cancellationToken);
            await using var silo = SiloProcess.Start(Path.GetFullPath(parsed.GetValue(data)!), chosen, null, settings);
            // Ctrl+C reaches the silo by itself; others must be passed on. Either way this program ends after it.
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
            {
                signal.Cancel = true;
                Signals.Terminate(silo.Id);
            });
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
            _ = AnnounceAsync(context, silo, cancellationToken);
            return await silo.WaitAsync() switch
            {
                0 => ExitCodes.Ok,
                2 => ExitCodes.Usage,
                _ => ExitCodes.Failed,
            };
        });
        return command;
    }

    private static async Task AnnounceAsync(CliContext context, SiloProcess silo, CancellationToken cancellationToken)
    {
        try
        {
            await silo.WaitReadyAsync(cancellationToken);
            using var client = new GristmillClient(silo.Address.AbsoluteUri);
            var info = await client.GetInfoAsync(cancellationToken);
            context.WriteLine($"Ready: console {new Uri(silo.Address, "console/")}, REST {new Uri(silo.Address, "api/v1")}, Arrow Flight {info.Flight}, Orleans dashboard {new Uri(silo.Address, "orleans")}, health {new Uri(silo.Address, "health/ready")}");
        }
        catch (Exception e) when (e is GristmillException or OperationCanceledException)
        {
            // It has said why on this terminal.
        }
    }
}
