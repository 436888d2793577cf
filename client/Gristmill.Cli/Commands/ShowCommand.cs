using System.CommandLine;
using Gristmill.Cli.Infrastructure;
using Gristmill.Display;
using Spectre.Console;

namespace Gristmill.Cli.Commands;

/// <summary>Shows a run with its stages.</summary>
internal static class ShowCommand
{
    public static Command Create(CliContext context)
    {
        var id = new Argument<string>("run") { Description = "The run's id; 'mill runs' lists them." };
        var follow = new Option<bool>("--follow", "-f") { Description = "Follow the run until it ends." };
        var stages = new Option<bool>("--stages") { Description = "List the run's stages, page by page; without it, of more than 100 those that failed or run." };
        var status = new ChoiceOption<StageStatus>("--status") { Description = "With --stages: only stages of this status." };
        var offset = new Option<int>("--offset") { Description = "With --stages: how many stages to pass over.", HelpName = "N" };
        var limit = new Option<int>("--limit", "-n") { Description = "With --stages: how many to list, at most 1000.", DefaultValueFactory = _ => 100, HelpName = "N" };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("show", "Show a run with its stages. With --follow the exit code tells how it ended.") { id, follow, stages, status, offset, limit, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var display = new RunDisplay(context.Console, context.Time);
            if (parsed.GetValue(stages))
            {
                var page = await client.GetStagesAsync(
                    parsed.GetValue(id)!, parsed.GetValue(offset), parsed.GetValue(limit), parsed.GetValue(status), cancellationToken);
                WritePage(context, page, parsed.GetValue(json));
                return ExitCodes.Ok;
            }

            var run = await client.GetRunAsync(parsed.GetValue(id)!, cancellationToken);
            var following = parsed.GetValue(follow);
            if (parsed.GetValue(json))
            {
                context.WriteJson(following ? run = await client.WaitRunAsync(run.Id, cancellationToken) : run);
                return following ? ExitCodes.Of(run.Status) : ExitCodes.Ok;
            }

            if (following)
            {
                run = await display.FollowAsync(client.WatchRunAsync(run.Id, cancellationToken), cancellationToken) ?? run;
                display.WriteEnd(run);
                return ExitCodes.Of(run.Status);
            }

            Describe(context, display, run);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Describe(CliContext context, RunDisplay display, RunView run)
    {
        context.WriteLine($"{run.Pipeline} {run.PipelineVersion}, started {Texts.Time(run.Created)}{(run.Trigger is { } trigger ? $" by trigger {trigger}" : "")}{(run.RerunOf is { } earlier ? $" as a rerun of {earlier}" : "")}");
        if (run.Partition is { } partition)
        {
            context.WriteLine($"  partition {partition}");
        }

        foreach (var (name, value) in run.Parameters.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            context.WriteLine($"  {name} = {value}");
        }

        foreach (var (name, value) in (run.Tags ?? []).OrderBy(static tag => tag.Key, StringComparer.Ordinal))
        {
            context.WriteLine($"  tag {name} = {value}");
        }

        if (context.IsInteractive)
        {
            context.Console.Write(display.Table(run));
        }
        else
        {
            WriteStages(context, run.IsWhole ? run.Stages : run.Stages.Where(static stage => stage.Status is StageStatus.Failed or StageStatus.Running));
        }

        if (!run.IsWhole)
        {
            context.WriteLine($"{Texts.Counts(run.Counts)}; 'mill show {run.Id} --stages' lists them.");
        }

        foreach (var stage in run.Stages.Where(static stage => stage.Metrics is not null))
        {
            context.WriteLine($"  {stage.Name}: {Texts.Numbers(stage.Metrics!, 8)}");
        }

        display.WriteEnd(run);
    }

    private static void WritePage(CliContext context, StagePage page, bool json)
    {
        if (json)
        {
            context.WriteJson(page);
            return;
        }

        WriteStages(context, page.Stages);
        context.WriteLine(page.Next is { } next ? $"{Texts.Counts(page.Counts)}; --offset {next} goes on." : Texts.Counts(page.Counts));
    }

    private static void WriteStages(CliContext context, IEnumerable<StageView> stages)
    {
        if (!stages.Any())
        {
            // The counts that follow say it all.
            return;
        }

        context.WriteTable(["stage", "status", "rows", "time", ""], stages.Select(stage => new[]
        {
            stage.Name, Texts.Status(stage), stage.Usage is { Rows: > 0 } usage ? Texts.Count(usage.Rows) : "",
            Texts.Elapsed(stage, context.Time.GetUtcNow()) is { } elapsed ? Texts.Duration(elapsed) : "", Texts.Detail(stage),
        }));
    }
}
