using System.CommandLine;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Keeps objects, and lets them go.</summary>
internal static class ObjectsPinCommand
{
    public static Command Create(CliContext context) => Create(
        context, "pin", "Keep tables of the object store, though their runs are removed or their retention ends, until they are unpinned.", "Pinned",
        static (client, id, cancellationToken) => client.PinObjectAsync(id, cancellationToken));

    public static Command CreateUnpin(CliContext context) => Create(
        context, "unpin", "Take back pins of tables: from then on they go when nobody needs them.", "Unpinned",
        static (client, id, cancellationToken) => client.UnpinObjectAsync(id, cancellationToken));

    private static Command Create(CliContext context, string name, string description, string done, Func<GristmillClient, string, CancellationToken, Task<ObjectView>> act)
    {
        var ids = new Argument<string[]>("id") { Description = "Ids of objects; 'mill objects' lists those there are.", Arity = ArgumentArity.OneOrMore };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();
        var command = new Command(name, description) { ids, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var objects = new List<ObjectView>();
            foreach (var id in parsed.GetValue(ids)!)
            {
                var item = await act(client, id, cancellationToken);
                objects.Add(item);
                if (!parsed.GetValue(json))
                {
                    context.WriteLine($"{done} {item.Id} ({Texts.Bytes(item.Bytes)}{(item.Owner is { } owner ? $" of {owner}" : "")}).");
                }
            }

            if (parsed.GetValue(json))
            {
                context.WriteJson(objects);
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
