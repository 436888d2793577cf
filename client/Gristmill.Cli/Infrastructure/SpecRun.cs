using System.Collections.Immutable;
using Gristmill.Display;

namespace Gristmill.Cli.Infrastructure;

/// <summary>Runs a spec that lies in a file: no program is built.</summary>
internal static class SpecRun
{
    /// <param name="context">The terminal.</param>
    /// <param name="path">The spec's file.</param>
    /// <param name="server">The server's address, or null.</param>
    /// <param name="parameters">Each as name=value.</param>
    /// <param name="request">What is asked for besides the parameters.</param>
    /// <param name="detach">Whether not to wait for the end.</param>
    /// <param name="json">Whether to write JSON.</param>
    /// <param name="cancellationToken">Cancels the run.</param>
    public static async Task<int> RunAsync(
        CliContext context, string path, string? server, IEnumerable<string> parameters, RunRequest request, bool detach, bool json, CancellationToken cancellationToken)
    {
        var spec = SpecFile.Read(path);
        if (spec.Code is null && spec.Stages.FirstOrDefault(stage => stage.Operation == StageOperations.Code) is { } stage)
        {
            throw new GristmillException(ErrorCodes.CodeLoad, $"Stage '{stage.Name}' calls code, and '{path}' does not say where that is.",
                "Compile it with the code shipped: mill compile pipeline.cs -o FILE --server URL.").With("stage", stage.Name);
        }

        var values = parameters.Select(pair => Literals.Parameter(pair, spec.Parameters)).ToImmutableDictionary(p => p.Name, p => p.Json, StringComparer.Ordinal);
        using var client = CliContext.Connect(server);
        await client.RegisterPipelineAsync(spec, cancellationToken);
        var id = await client.StartRunAsync(spec.Name, request with { Parameters = values }, cancellationToken);
        if (detach)
        {
            context.WriteLine(json ? GristmillJson.Serialize(new { run = id, pipeline = spec.Name }) : $"Run {id} of {spec.Name} started; 'mill show --follow {id}' follows it.");
            return ExitCodes.Ok;
        }

        try
        {
            RunView run;
            if (json)
            {
                context.WriteJson(run = await client.WaitRunAsync(id, cancellationToken));
            }
            else
            {
                var display = new RunDisplay(context.Console, context.Time);
                run = await display.FollowAsync(client.WatchRunAsync(id, cancellationToken), cancellationToken) ?? await client.GetRunAsync(id, cancellationToken);
                display.WriteEnd(run);
            }

            return ExitCodes.Of(run.Status);
        }
        catch (OperationCanceledException)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), context.Time);
            await client.CancelRunAsync(id, limit.Token);
            await Console.Error.WriteLineAsync($"Run {id} cancelled.");
            return ExitCodes.Cancelled;
        }
    }
}
