using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Sends rows to a deployment.</summary>
internal static class PredictCommand
{
    public static Command Create(CliContext context)
    {
        var deployment = new Argument<string>("deployment") { Description = "The deployment; 'mill deployments' lists them." };
        var rows = new Argument<string[]>("rows")
        {
            Description = "Rows: name=value pairs of one row, or JSON (an object or an array), or @FILE, or - for standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("predict", "Predict rows: mill predict flight-delay origin=ATL destination=JFK distance=760 hour=18")
        {
            deployment, rows, server, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var body = await ReadRowsAsync(parsed.GetValue(rows)!, Console.OpenStandardInput, cancellationToken);
            using var client = CliContext.Connect(parsed.GetValue(server));
            var result = await client.PredictJsonAsync(parsed.GetValue(deployment)!, body, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(result);
            }
            else
            {
                context.WriteLine($"{result.Model} version {result.Version}");
                context.WriteTable(["row", "score", "label"], result.Predictions.Select((p, i) => new[]
                {
                    (i + 1).ToString(CultureInfo.InvariantCulture), p.Score is { } score ? Texts.Number(score) : "", p.Label?.ToString() ?? "",
                }));
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    internal static async Task<byte[]> ReadRowsAsync(string[] rows, Func<Stream> input, CancellationToken cancellationToken)
    {
        if (rows is ["-"])
        {
            using var buffer = new MemoryStream();
            await using var stream = input();
            await stream.CopyToAsync(buffer, cancellationToken);
            return Check(buffer.ToArray(), "standard input");
        }

        if (rows is [['@', .. var path]])
        {
            return File.Exists(path)
                ? Check(await File.ReadAllBytesAsync(path, cancellationToken), path)
                : throw new GristmillException(ErrorCodes.FileNotFound, $"There is no file '{path}'.", "Name a file of JSON rows.");
        }

        if (rows is [['{' or '[', ..]])
        {
            return Check(Encoding.UTF8.GetBytes(rows[0]), "the rows");
        }

        var row = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var pair in rows)
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !row.TryAdd(pair[..equals], Literals.Read(pair[(equals + 1)..])))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"'{pair}' is no name=value, or names a column twice.",
                    "Write rows as origin=ATL distance=760, as JSON, as @FILE, or as - for standard input.");
            }
        }

        return JsonSerializer.SerializeToUtf8Bytes(row);
    }

    private static byte[] Check(byte[] json, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return json;
        }
        catch (JsonException e)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{where}: not JSON: {e.Message}", "Write an object or an array of objects.", e);
        }
    }
}
