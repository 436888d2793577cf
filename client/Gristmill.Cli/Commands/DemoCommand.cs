using System.CommandLine;
using Gristmill.Cli.Demo;

namespace Gristmill.Cli.Commands;

/// <summary>The whole lifecycle on three million real rows.</summary>
internal static class DemoCommand
{
    public static Command Create(CliContext context)
    {
        var keep = new Option<bool>("--keep") { Description = "Leave the silo serving, and print its addresses." };
        var data = new Option<string?>("--data", "-d") { Description = "The silo's data folder (default: a temporary one, deleted at the end).", HelpName = "DIR" };
        var requests = new Option<int>("--requests") { Description = "Prediction requests to send.", DefaultValueFactory = _ => 2000 };
        var json = new Option<bool>("--json") { Description = "Write one line of JSON last." };
        requests.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 1_000_000)
            {
                result.AddError("--requests must be 1 to 1000000.");
            }
        });

        var command = new Command("demo", "Start a silo, run the flights pipeline from the raw file to a registered model, deploy it, send it requests, and report.")
        {
            keep, data, requests, json,
        };
        command.SetAction((parsed, cancellationToken) => new FlightsDemo(context, new DemoOptions
        {
            Keep = parsed.GetValue(keep),
            DataDirectory = parsed.GetValue(data),
            Requests = parsed.GetValue(requests),
            Json = parsed.GetValue(json),
        }).RunAsync(cancellationToken));
        return command;
    }
}
