using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Puts runs side by side.</summary>
internal static class CompareCommand
{
    private const int WidestCell = 40;

    public static Command Create(CliContext context)
    {
        var runs = new Argument<string[]>("runs") { Description = "The runs, two or more; 'mill runs' lists them.", Arity = new ArgumentArity(2, ComparedRuns.MaxRuns) };
        var all = new Option<bool>("--all") { Description = "Also what is the same in all of them." };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("compare", "Put runs side by side: parameters, metrics, times of stages, digests of code and inputs, versions.") { runs, all, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var comparison = await client.CompareRunsAsync(parsed.GetValue(runs)!, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(comparison);
                return ExitCodes.Ok;
            }

            var rows = comparison.Rows.Where(row => row.Differs || parsed.GetValue(all)).ToList();
            context.WriteTable(["", "", .. comparison.Runs], rows.Select(static row => (string[])[row.Group, row.Name, .. row.Values.Select(Cell)]));
            if (rows.Count < comparison.Rows.Length)
            {
                context.WriteLine($"{comparison.Rows.Length - rows.Count} more are the same in all; --all shows them.");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static string Cell(string? value) => value is null ? "-" : value.Length <= WidestCell ? value : value[..(WidestCell - 3)] + "...";
}
