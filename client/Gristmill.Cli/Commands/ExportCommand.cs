using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Writes a model as a file that other programs load.</summary>
internal static class ExportCommand
{
    private const string Onnx = "onnx";

    public static Command Create(CliContext context)
    {
        var name = new Argument<string>("model") { Description = "The registered model; 'mill models' lists them." };
        var version = new Option<int?>("--version") { Description = "Its version (default: the newest)." };
        var format = new Option<string>("--format") { Description = "The file's format.", DefaultValueFactory = _ => Onnx };
        format.AcceptOnlyFromAmong(Onnx);
        var output = new Option<FileInfo?>("--out", "-o") { Description = "The file to write, or to replace (default: MODEL.onnx).", HelpName = "FILE" };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("export", "Write a model as an ONNX file: encoded rows in, label and probabilities out.") { name, version, format, output, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var model = parsed.GetValue(name)!;
            var file = parsed.GetValue(output) ?? new FileInfo($"{model}.{Onnx}");
            if (file.Directory is not { Exists: true })
            {
                throw new GristmillException(ErrorCodes.FileNotFound, $"There is no folder '{file.DirectoryName}'.", "Create it, or name another file with --out.");
            }

            using var client = CliContext.Connect(parsed.GetValue(server));
            var wanted = parsed.GetValue(version) ?? (await client.GetModelAsync(model, cancellationToken)).Versions[^1].Version;
            using var content = new MemoryStream();
            await client.ExportModelAsync(model, content, wanted, cancellationToken);
            await WriteAsync(file, content, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(new { model, version = wanted, format = Onnx, file = file.FullName, bytes = content.Length });
            }
            else
            {
                context.WriteLine($"{model} version {wanted}: {file.FullName}, {Texts.Bytes(content.Length)}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>Writes beside the file first, so that what is there is whole whatever happens.</summary>
    private static async Task WriteAsync(FileInfo file, MemoryStream content, CancellationToken cancellationToken)
    {
        var part = $"{file.FullName}.{Guid.NewGuid():n}.part";
        try
        {
            await File.WriteAllBytesAsync(part, content.GetBuffer().AsMemory(0, (int)content.Length), cancellationToken);
            File.Move(part, file.FullName, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GristmillException(ErrorCodes.FileNotFound, $"'{file.FullName}' cannot be written: {e.Message}", "Name another file with --out.", e);
        }
        finally
        {
            File.Delete(part);
        }
    }
}
