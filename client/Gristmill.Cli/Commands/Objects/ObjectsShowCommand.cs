using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Shows an object of the store with its first rows.</summary>
internal static class ObjectsShowCommand
{
    private const int CellLength = 40;
    private static readonly string[] s_columns = ["column", "type", "nulls"], s_described = [.. s_columns, "distinct", "min", "median", "max", "mean", "most frequent"];

    public static Command Create(CliContext context)
    {
        var id = new Argument<string>("id") { Description = "The object's id; 'mill objects' lists those there are." };
        var rows = new Option<int>("--rows", "-n") { Description = "Rows to show, at most 1000; 0: none.", DefaultValueFactory = _ => 10 };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();
        rows.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > ObjectPreview.MaxRows)
            {
                result.AddError($"--rows must be 0 to {ObjectPreview.MaxRows}.");
            }
        });

        var command = new Command("show", "Show a table of the object store: who made it and who has it mapped, its columns, its first rows.") { id, rows, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var item = await client.GetObjectAsync(parsed.GetValue(id)!, cancellationToken);
            var preview = item.State == ObjectState.Sealed && parsed.GetValue(rows) is > 0 and var wanted
                ? await client.PreviewObjectAsync(item.Id, wanted, cancellationToken)
                : null;
            if (parsed.GetValue(json))
            {
                context.WriteJson(new { @object = item, preview });
                return ExitCodes.Ok;
            }

            Describe(context, item);
            if (preview is { Rows.Count: > 0 })
            {
                context.WriteLine("");
                context.WriteTable([.. preview.Columns.Select(Texts.Plain)], preview.Rows.Select(static row => row.Select(Cell).ToArray()));
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Describe(CliContext context, ObjectView item)
    {
        context.WriteLine($"{item.Id}, {(item.Problem is { } problem ? $"damaged: {problem}" : $"sealed {Texts.Time(item.Created)}")}");
        context.WriteLine($"  made by    {item.Owner ?? "unknown"}");
        context.WriteLine($"  size       {(item.Rows is { } rows ? $"{Texts.Count(rows, "row")} in {Texts.Count(item.Batches ?? 0)} {(item.Batches == 1 ? "batch" : "batches")}, " : "")}{Texts.Bytes(item.Bytes)}{(item.Spilled ? ", on disk" : "")}");
        context.WriteLine($"  mapped by  {(item.Processes.Count > 0 ? ObjectsCommand.Processes(item) : "nobody")}");
        if (item.Pinned)
        {
            context.WriteLine("  pinned     until 'mill objects unpin'");
        }

        if (item.Columns is { Count: > 0 } columns)
        {
            context.WriteLine("");
            var described = columns.Any(static column => column.Statistics is not null);
            context.WriteTable(described ? s_described : s_columns, columns.Select(column => (string[])
            [
                Texts.Plain(column.Name), column.Type, column.Nulls is { } nulls ? Texts.Count(nulls) : "", .. described ? Statistics(column.Statistics) : [],
            ]));
        }
    }

    private static string[] Statistics(ColumnStatistics? found) =>
    [
        found?.Distinct is { } distinct ? Texts.Count(distinct) : "",
        Shown(found?.Min),
        Shown(found?.Quantiles?[3]),
        Shown(found?.Max),
        Shown(found?.Mean),
        Cut(string.Join(", ", found?.Top?.Where(static value => value.Count > 1).Take(3).Select(static value => $"{value.Value} ({Texts.Count(value.Count)})") ?? [])),
    ];

    private static string Shown(double? value) => value?.ToString("G6", CultureInfo.InvariantCulture) ?? "";

    private static string Shown(string? value) => Cut(value ?? "");

    private static string Cut(string text) => Texts.Plain(text) is var plain && plain.Length <= CellLength ? plain : plain[..(CellLength - 3)] + "...";

    private static string Cell(JsonElement value)
    {
        var text = Texts.Plain(value.ValueKind switch
        {
            JsonValueKind.Null => "-",
            JsonValueKind.String => value.GetString()!,
            _ => value.GetRawText(),
        });
        return Cut(text);
    }
}
