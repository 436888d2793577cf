using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Lists the files and figures beside a run, or fetches one.</summary>
internal static class ArtifactsCommand
{
    public static Command Create(CliContext context)
    {
        var run = new Argument<string>("run") { Description = "The run's id; 'mill runs' lists them." };
        var path = new Argument<string?>("path") { Description = "Fetch this one.", Arity = ArgumentArity.ZeroOrOne };
        var output = new Option<string?>("--output", "-o") { Description = "Where to write it (default: its name, in this folder).", HelpName = "FILE" };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("artifacts", "List the files and figures beside a run, or fetch one.") { run, path, output, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var id = parsed.GetValue(run)!;
            if (parsed.GetValue(path) is { } wanted)
            {
                var file = Path.GetFullPath(parsed.GetValue(output) ?? Path.GetFileName(wanted));
                // Whole or not at all: what was there before stays if the fetch breaks off.
                var part = $"{file}.{Guid.NewGuid():n}.part";
                try
                {
                    await using (var stream = new FileStream(part, FileMode.CreateNew, FileAccess.Write))
                    {
                        await client.DownloadArtifactAsync(id, wanted, stream, cancellationToken);
                    }

                    File.Move(part, file, overwrite: true);
                }
                finally
                {
                    File.Delete(part);
                }

                context.WriteLine(file);
                return ExitCodes.Ok;
            }

            var artifacts = await client.ListArtifactsAsync(id, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(artifacts);
            }
            else if (artifacts.Count == 0)
            {
                context.WriteLine("The run has no artifacts.");
            }
            else
            {
                context.WriteTable(["path", "size", "stage", "logged"], artifacts.Select(static artifact => new[]
                {
                    artifact.Path, Texts.Bytes(artifact.Bytes), artifact.Stage, Texts.Time(DateTimeOffset.FromUnixTimeMilliseconds(artifact.Time)),
                }));
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
