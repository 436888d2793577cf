using System.CommandLine;
using Gristmill.Cli.Infrastructure;

namespace Gristmill.Cli.Commands;

/// <summary>Prepares the state store.</summary>
internal static class StorageCommand
{
    public static Command Create()
    {
        var settings = new Argument<string[]>("settings")
        {
            Description = "Settings as a silo takes them: --Gristmill:Storage=postgres. The connection string is a secret: give it as Gristmill__ConnectionString in the environment.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var init = new Command("init", "Make or migrate the tables of a PostgreSQL state database; a silo does so, too, where its user may. Exit code 1: the database refused.") { settings };
        init.SetAction(async (parsed, cancellationToken) =>
        {
            await SiloProgram.EnsureAsync(cancellationToken);
            return await Dotnet.PassThroughAsync([SiloProgram.Find(), "storage-init", .. parsed.GetValue(settings) ?? []]);
        });
        return new Command("storage", "Prepare the store of state, reminders and membership.") { init };
    }
}
