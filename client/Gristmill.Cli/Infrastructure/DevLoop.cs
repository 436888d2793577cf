using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Infrastructure;

/// <summary>Builds and runs a pipeline whenever its sources change. What has not changed is taken from the server's cache of results.</summary>
internal sealed class DevLoop(CliContext context, PipelineProgram program, GristmillClient client, Uri server, SourceWatcher watcher, IReadOnlyList<string> parameters)
{
    private static readonly TimeSpan s_cancelLimit = TimeSpan.FromSeconds(2);

    /// <summary>Goes on until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = watcher.NextAsync(cancellationToken);
            using var round = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var work = RoundAsync(round.Token);
            if (await Task.WhenAny(work, change) == change)
            {
                // What is under way is of yesterday.
                await round.CancelAsync();
            }

            try
            {
                await work;
                await Console.Error.WriteLineAsync("Waiting for a change; Ctrl+C ends.");
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // A newer round follows.
            }

            await Console.Error.WriteLineAsync($"{string.Join(", ", await change)} changed.");
        }
    }

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        try
        {
            var clock = Stopwatch.StartNew();
            await program.BuildAsync(cancellationToken);
            var built = clock.Elapsed;
            clock.Restart();
            if (await SubmitAsync(cancellationToken) is not { } run)
            {
                return;
            }

            var started = clock.Elapsed;
            await FollowAsync(run, built, started, cancellationToken);
        }
        catch (GristmillException e)
        {
            // The next save may mend it.
            await Console.Error.WriteLineAsync(e.Error.Details.TryGetValue("errors", out var errors) ? $"{errors}\n{e.Message}" : $"{e.Message} [{e.Code}]{(e.Error.Hint is { } hint ? $"\n  {hint}" : "")}");
        }
    }

    /// <summary>Has the program ship itself and start a run.</summary>
    /// <returns>The run, or null where the program has said what is wrong.</returns>
    private async Task<string?> SubmitAsync(CancellationToken cancellationToken)
    {
        List<string> arguments = ["submit", "--cluster", server.AbsoluteUri, "--json"];
        arguments.AddRange(parameters.SelectMany(p => new[] { "--param", p }));
        var (exitCode, answer) = await Dotnet.ReadAsync(await program.DirectCommandAsync(arguments, cancellationToken), cancellationToken);
        if (exitCode != ExitCodes.Ok)
        {
            return null;
        }

        using var document = JsonDocument.Parse(answer);
        return document.RootElement.GetProperty("run").GetString();
    }

    private async Task FollowAsync(string run, TimeSpan built, TimeSpan started, CancellationToken cancellationToken)
    {
        try
        {
            var display = new RunDisplay(context.Console, context.Time);
            var end = await display.FollowAsync(client.WatchRunAsync(run, cancellationToken), cancellationToken) ?? await client.GetRunAsync(run, cancellationToken);
            display.WriteEnd(end);
            var reused = end.Stages.Where(IsReused).Select(stage => stage.Name).ToList();
            context.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"built in {built.TotalSeconds:0.00} s, started in {started.TotalSeconds:0.00} s; {reused.Count} of {end.Stages.Length} stages reused{(reused.Count > 0 ? ": " + string.Join(", ", reused) : "")}"));
        }
        catch (OperationCanceledException)
        {
            using var limit = new CancellationTokenSource(s_cancelLimit, context.Time);
            try
            {
                await client.CancelRunAsync(run, limit.Token);
            }
            catch (Exception e) when (e is GristmillException or OperationCanceledException)
            {
                // It has ended by itself, or its server has.
            }

            throw;
        }
    }

    private static bool IsReused(StageView stage) => stage.CachedFrom is not null;
}
