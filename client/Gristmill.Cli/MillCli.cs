using System.CommandLine;
using System.CommandLine.Parsing;
using Gristmill.Cli.Commands;
using Gristmill.Display;
using Spectre.Console;

namespace Gristmill.Cli;

/// <summary>The command line: what there is, and how errors end.</summary>
internal static class MillCli
{
    public static RootCommand Create(IAnsiConsole console)
    {
        var context = new CliContext(console);
        var root = new RootCommand($"Gristmill: the machine-learning lifecycle as virtual actors.\n\n{ExitCodes.Help}")
        {
            NewCommand.Create(context),
            UpCommand.Create(context),
            RunCommand.Create(context),
            CompileCommand.Create(context),
            DevCommand.Create(context),
            RunsCommand.Create(context),
            ShowCommand.Create(context),
            LogsCommand.Create(context),
            CompareCommand.Create(context),
            ExplainCommand.Create(context),
            CancelCommand.Create(context),
            ControlCommands.Pause(context),
            ControlCommands.Resume(context),
            ControlCommands.Retry(context),
            RerunCommand.Create(context),
            RemoveCommand.Create(context),
            MetricsCommand.Create(context),
            TagCommand.Create(context),
            ArtifactsCommand.Create(context),
            TriggerCommand.Create(context),
            PartitionsCommand.Create(context),
            BackfillCommand.Create(context),
            ObjectsCommand.Create(context),
            ModelsCommand.Create(context),
            ExportCommand.Create(context),
            DeployCommand.Create(context),
            DeploymentsCommand.Create(context),
            PredictCommand.Create(context),
            DemoCommand.Create(context),
            TestCommand.Create(context),
            DoctorCommand.Create(context),
            StorageCommand.Create(),
        };
        RefuseUnknownOptions(root);
        return root;
    }

    /// <summary>Runs one command line.</summary>
    public static async Task<int> InvokeAsync(string[] args, IAnsiConsole console, CancellationToken cancellationToken = default)
    {
        var parsed = Create(console).Parse(
            args.Length == 0 ? ["--help"] : args,
            // "@daily" is a cron expression, not a file with further arguments.
            new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (var message in Messages(parsed))
            {
                await Console.Error.WriteLineAsync($"mill: {message}");
            }

            await Console.Error.WriteLineAsync($"See '{Path(parsed.CommandResult)} --help'.");
            return ExitCodes.Usage;
        }

        // Twice the time a run needs to be cancelled on the server.
        var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(5), Output = console.Profile.Out.Writer };
        try
        {
            var exitCode = await parsed.InvokeAsync(configuration, cancellationToken);
            return args.Length == 0 ? ExitCodes.Usage : exitCode;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("mill: cancelled");
            return ExitCodes.Cancelled;
        }
        catch (GristmillException e)
        {
            await Console.Error.WriteLineAsync($"mill: {e.Message} [{e.Code}]");
            if (e.Error.Hint is { } hint)
            {
                await Console.Error.WriteLineAsync($"      {hint}");
            }

            if (e.Error.Details.TryGetValue("log", out var log) && log.Length > 0)
            {
                await Console.Error.WriteLineAsync(log);
            }

            return ExitCodes.Of(e);
        }
    }

    /// <summary>An option that there is not would be taken for an argument where one is left: 'mill runs --nope' for a pipeline of that name.</summary>
    private static void RefuseUnknownOptions(Command command)
    {
        command.Validators.Add(static result =>
        {
            // These are passed on to another program as they are.
            foreach (var token in result.Children.OfType<ArgumentResult>().Where(static argument => argument.Argument.Name is not ("settings" or "arguments"))
                .SelectMany(static argument => argument.Tokens).Where(static token => token.Value is ['-', '-' or (>= 'a' and <= 'z'), ..]))
            {
                result.AddError($"There is no option '{token.Value}'.");
            }
        });
        foreach (var child in command.Subcommands)
        {
            RefuseUnknownOptions(child);
        }
    }

    /// <summary>The command as it is written: mill trigger add.</summary>
    private static string Path(CommandResult result) => result.Parent is CommandResult parent ? $"{Path(parent)} {result.Command.Name}" : "mill";

    /// <summary>What is wrong, without "a command is missing" where one is there but unknown.</summary>
    private static IEnumerable<string> Messages(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand && parsed.UnmatchedTokens.Count > 0
            ? [$"There is no command '{parsed.UnmatchedTokens[0]}'."]
            : parsed.Errors.Select(error => error.Message);
}
