using System.CommandLine;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Says why a stage took an earlier result over, or did not.</summary>
internal static class ExplainCommand
{
    public static Command Create(CliContext context)
    {
        var run = new Argument<string>("run") { Description = "The run's id; 'mill runs' lists them." };
        var stage = new Argument<string>("stage") { Description = "The stage; 'mill show RUN' lists them." };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("explain", "Say why a stage took an earlier result over from the cache or was executed. (The plan of a pipeline: 'FILE explain'.)")
        {
            run, stage, server, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var view = await client.ExplainCacheAsync(parsed.GetValue(run)!, parsed.GetValue(stage)!, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(view);
            }
            else
            {
                Describe(context, view);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Describe(CliContext context, StageCacheView view)
    {
        context.WriteLine(view.Outcome switch
        {
            CacheOutcome.Hit => $"Stage {view.Stage} took over what stage {view.Origin!.Stage} of run {view.Origin.Run} computed at {Texts.Time(view.Computed!.Value)}.",
            CacheOutcome.Miss => $"Stage {view.Stage} was executed: {view.Reason}.",
            CacheOutcome.Off => $"Stage {view.Stage} did not look for an earlier result: {view.Reason}.",
            CacheOutcome.Uncacheable => $"Stage {view.Stage} cannot take an earlier result over: {view.Reason}.",
            _ => $"Stage {view.Stage} did not ask the cache: {view.Reason}.",
        });
        if (view.Nearest is { } nearest)
        {
            var when = nearest.Ended is { } ended ? $" of {Texts.Time(ended)}" : "";
            context.WriteLine(nearest.Changes.IsEmpty ? $"It depends on the same as in run {nearest.Run}{when}." : $"Compared with run {nearest.Run}{when}:");
            if (!nearest.Changes.IsEmpty)
            {
                context.WriteTable(["differs", "was", "is"], nearest.Changes.Select(static change => new[] { change.Name, change.Was ?? "-", change.Now ?? "-" }));
            }
        }
        else if (!view.Parts.IsEmpty)
        {
            context.WriteTable(["depends on", "value or digest"], view.Parts.Select(static part => new[] { part.Name, part.Value }));
        }
    }
}
