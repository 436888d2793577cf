using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Serves a model.</summary>
internal static class DeployCommand
{
    public static Command Create(CliContext context)
    {
        var model = new Argument<string>("model") { Description = "The registered model, or model:version; without a version the newest." };
        var name = new Option<string?>("--name") { Description = "The deployment's name (default: the model's)." };
        var maxInFlight = new Option<int>("--max-in-flight") { Description = "Requests at once above which more are refused with 503.", DefaultValueFactory = _ => new DeploymentSpec { Model = "" }.MaxInFlight };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("deploy", "Serve a model: POST rows to /api/v1/predict/NAME, or use 'mill predict'.") { model, name, maxInFlight, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var spec = Parse(parsed.GetValue(model)!) with { MaxInFlight = parsed.GetValue(maxInFlight) };
            using var client = CliContext.Connect(parsed.GetValue(server));
            var view = await client.DeployAsync(parsed.GetValue(name) ?? spec.Model, spec, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(view);
            }
            else
            {
                context.WriteLine($"{view.Name} serves {view.Spec.Model} version {view.Version} at {new Uri(client.Server, $"api/v1/predict/{Uri.EscapeDataString(view.Name)}")}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>"name" or "name:3".</summary>
    internal static DeploymentSpec Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 0)
        {
            return new DeploymentSpec { Model = text };
        }

        return int.TryParse(text[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture, out var version) && version >= 1 && colon > 0
            ? new DeploymentSpec { Model = text[..colon], Version = version }
            : throw new GristmillException(ErrorCodes.Invalid, $"'{text}' is not a model with a version.", "Write it as flight-delay:3.");
    }
}
