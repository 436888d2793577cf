using System.CommandLine;
using System.Globalization;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Lists registered models, or the versions of one.</summary>
internal static class ModelsCommand
{
    public static Command Create(CliContext context)
    {
        var name = new Argument<string?>("model") { Description = "Show the versions of this model.", Arity = ArgumentArity.ZeroOrOne };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("models", "List registered models, or the versions of one.") { name, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var wanted = parsed.GetValue(name);
            var models = wanted is null ? await client.ListModelsAsync(cancellationToken) : [await client.GetModelAsync(wanted, cancellationToken)];
            if (parsed.GetValue(json))
            {
                context.WriteJson(models);
            }
            else if (models.Count == 0)
            {
                context.WriteLine("There are no models. A pipeline's Register stage adds one.");
            }
            else
            {
                context.WriteTable(["model", "version", "engine", "size", "registered", "metrics"],
                    models.SelectMany(model => (wanted is null ? model.Versions.TakeLast(1) : model.Versions.Reverse()).Select(version => new[]
                    {
                        model.Name, version.Version.ToString(CultureInfo.InvariantCulture), version.Model.Engine, Texts.Bytes(version.Model.Bytes),
                        Texts.Time(version.Created), Texts.Numbers(version.Metrics, 3),
                    })));
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
