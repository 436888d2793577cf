using System.CommandLine;
using System.Globalization;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Lists what lies in a silo's object store.</summary>
internal static class ObjectsCommand
{
    public static Command Create(CliContext context)
    {
        var owner = new Option<string?>("--owner") { Description = "Only those of this run, of a stage as RUN/STAGE, or of another maker.", HelpName = "OWNER" };
        var newest = new Option<bool>("--newest") { Description = "The newest first, not the largest." };
        var limit = new Option<int>("--limit", "-n") { Description = "How many, at most 1000.", DefaultValueFactory = _ => 20 };
        var after = new Option<string?>("--after") { Description = "The page after an earlier answer, which named it.", HelpName = "TOKEN" };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();
        limit.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > ObjectQuery.MaxLimit)
            {
                result.AddError($"--limit must be 1 to {ObjectQuery.MaxLimit}.");
            }
        });

        var command = new Command("objects", "List the tables in the server's object store, the largest first.")
        {
            owner, newest, limit, after, server, json, ObjectsShowCommand.Create(context), ObjectsPinCommand.Create(context), ObjectsPinCommand.CreateUnpin(context),
            ObjectsGcCommand.Create(context),
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var page = await client.ListObjectsAsync(new ObjectQuery
            {
                Owner = parsed.GetValue(owner),
                Order = parsed.GetValue(newest) ? ObjectOrder.Created : ObjectOrder.Bytes,
                Limit = parsed.GetValue(limit),
                After = parsed.GetValue(after),
            }, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(page);
                return ExitCodes.Ok;
            }

            if (page.Objects.Count > 0)
            {
                WriteTable(context, page.Objects);
            }

            context.WriteLine($"{Texts.Count(page.Count, "object")}, {Texts.Bytes(page.Bytes - page.SpilledBytes)} of {Texts.Bytes(page.Capacity)}{(page.SpilledBytes > 0 ? $", and {Texts.Bytes(page.SpilledBytes)} on disk" : "")}.");
            if (page.Skipped.Count > 0)
            {
                context.WriteLine($"Files that are no objects: {string.Join("; ", page.Skipped.Select(static file => $"{Texts.Plain(file.Name)} ({file.Reason})"))}.");
            }

            if (page.Next is { } next)
            {
                await Console.Error.WriteLineAsync($"There are more: --after {next}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    internal static void WriteTable(CliContext context, IEnumerable<ObjectView> objects)
    {
        var now = context.Time.GetUtcNow();
        context.WriteTable(["id", "owner", "rows", "size", "age", "kept by"], objects.Select(item => new[]
        {
            item.Id,
            item.State == ObjectState.Sealed ? item.Owner ?? "" : $"({item.State.ToString().ToLowerInvariant()})",
            item.Rows is { } rows ? Texts.Count(rows) : "",
            Texts.Bytes(item.Bytes) + (item.Spilled ? " on disk" : ""),
            Texts.Duration(now > item.Created ? now - item.Created : TimeSpan.Zero),
            KeptBy(item),
        }));
    }

    private static string KeptBy(ObjectView item) => item is { Pinned: true, Processes.Count: > 0 } ? $"a pin, {Processes(item)}" : item.Pinned ? "a pin" : Processes(item);

    internal static string Processes(ObjectView item) => string.Join(", ", item.Processes.Select(static id => id.ToString(CultureInfo.InvariantCulture)));
}
