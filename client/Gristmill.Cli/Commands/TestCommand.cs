using System.CommandLine;
using System.Diagnostics;
using Gristmill.Cli.Infrastructure;

namespace Gristmill.Cli.Commands;

/// <summary>Runs the tests of the source tree.</summary>
internal static class TestCommand
{
    public static Command Create(CliContext context)
    {
        var rest = new Argument<string[]>("arguments") { Description = "Passed on.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("test", "Build and run every test of the source tree; the last line counts them.") { rest };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var launcher = Process.Start(Path.Combine(SiloProgram.Home(), "mill"), ["test", .. parsed.GetValue(rest)!]);
            await launcher.WaitForExitAsync(CancellationToken.None);
            return launcher.ExitCode;
        });
        return command;
    }
}
