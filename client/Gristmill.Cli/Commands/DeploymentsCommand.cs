using System.CommandLine;
using System.Globalization;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Lists deployments, or ends one.</summary>
internal static class DeploymentsCommand
{
    public static Command Create(CliContext context)
    {
        var delete = new Option<string?>("--delete") { Description = "End this deployment.", HelpName = "NAME" };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("deployments", "List deployments, or end one.") { delete, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            if (parsed.GetValue(delete) is { } name)
            {
                await client.DeleteDeploymentAsync(name, cancellationToken);
                context.WriteLine($"{name} is no longer served.");
                return ExitCodes.Ok;
            }

            var deployments = await client.ListDeploymentsAsync(cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(deployments);
            }
            else if (deployments.Count == 0)
            {
                context.WriteLine("Nothing is deployed. 'mill deploy MODEL' serves a model.");
            }
            else
            {
                context.WriteTable(["deployment", "model", "version", "engine", "updated"], deployments.Select(d => new[]
                {
                    d.Name, d.Spec.Model, d.Version.ToString(CultureInfo.InvariantCulture), d.Package.Engine, Texts.Time(d.Updated),
                }));
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
