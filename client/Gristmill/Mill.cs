using System.CommandLine;
using Gristmill.Display;
using Gristmill.Running;
using Spectre.Console;

namespace Gristmill;

/// <summary>The program of a pipeline's file: <c>return await Mill.RunAsync(pipeline, args);</c></summary>
public static class Mill
{
    /// <summary>
    /// Does what the arguments say. Without any it runs the pipeline in this process, on an embedded silo, so that
    /// breakpoints in stages are hit; with <c>--cluster URL</c> it ships the program to a server and follows the run there.
    /// <c>compile</c> prints the spec as JSON, <c>explain</c> the stages as a tree, <c>submit</c> starts a run on a server
    /// and does not follow it. <c>--param name=value</c> sets parameters, <c>--json</c> writes JSON, <c>--help</c> says the rest.
    /// </summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="args">The program's arguments.</param>
    /// <param name="cancellationToken">Cancels the run, as Ctrl+C does.</param>
    /// <returns>The exit code: 0 done, 1 the run failed, 2 wrong usage, 3 server unreachable, 130 cancelled.</returns>
    public static async Task<int> RunAsync(Pipeline pipeline, string[] args, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(args);
        var parsed = MillCommands.Create(pipeline, AnsiConsole.Console, TimeProvider.System).Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync($"{pipeline.Name}: {error.Message}");
            }

            await Console.Error.WriteLineAsync("See --help.");
            return ExitCodes.Usage;
        }

        try
        {
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(10) };
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"{pipeline.Name}: cancelled");
            return ExitCodes.Cancelled;
        }
        catch (GristmillException e)
        {
            await Console.Error.WriteLineAsync($"{pipeline.Name}: {e.Message} [{e.Code}]");
            if (e.Error.Hint is { } hint)
            {
                await Console.Error.WriteLineAsync($"  {hint}");
            }

            return ExitCodes.Of(e);
        }
    }
}
