using Gristmill.Cli;

return await MillCli.InvokeAsync(args, Spectre.Console.AnsiConsole.Console);
