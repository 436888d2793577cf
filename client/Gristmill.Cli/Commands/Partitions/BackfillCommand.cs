using System.CommandLine;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Makes the partitions of a range.</summary>
internal static class BackfillCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public static Command Create(CliContext context)
    {
        var pipeline = new Argument<string>("pipeline") { Description = "The pipeline." };
        var range = new Argument<string>("range") { Description = "FROM..TO, a key, or *." };
        var parallel = new Option<int>("--parallel") { Description = "Runs at once, 1 to 100.", DefaultValueFactory = _ => 2 };
        var parameters = new Option<string[]>("--param", "-p") { Description = "A parameter of the runs: name=value. May be repeated.", HelpName = "NAME=VALUE" };
        var missing = new Option<bool>("--missing") { Description = "Those that were never made or failed (default)." };
        var failed = new Option<bool>("--failed") { Description = "Those whose last run failed." };
        var stale = new Option<bool>("--stale") { Description = "Those that are stale." };
        var needed = new Option<bool>("--needed") { Description = "Missing, failed and stale ones." };
        var all = new Option<bool>("--all") { Description = "All, also those that are ready." };
        var detach = new Option<bool>("--detach") { Description = "Start it and return its id; do not follow it." };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("backfill", "Make the partitions of a range, so many at once. It goes on without this command, and after a restart of the server.")
        {
            pipeline, range, parallel, parameters, missing, failed, stale, needed, all, detach, server, json, List(context), Show(context), Cancel(context),
        };
        command.Validators.Add(result =>
        {
            if (new[] { missing, failed, stale, needed, all }.Count(option => result.GetValue(option)) > 1)
            {
                result.AddError("Only one of --missing, --failed, --stale, --needed and --all can be given.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var request = new BackfillRequest
            {
                Partitions = parsed.GetValue(range)!,
                Parallel = parsed.GetValue(parallel),
                Select = parsed.GetValue(failed) ? BackfillSelection.Failed
                    : parsed.GetValue(stale) ? BackfillSelection.Stale
                    : parsed.GetValue(needed) ? BackfillSelection.Needed
                    : parsed.GetValue(all) ? BackfillSelection.All
                    : BackfillSelection.Missing,
            };
            if (parsed.GetValue(parameters) is { Length: > 0 } pairs)
            {
                request = request with { Parameters = await TriggerAddCommand.ParametersAsync(client, parsed.GetValue(pipeline)!, pairs, cancellationToken) };
            }

            var view = await client.StartBackfillAsync(parsed.GetValue(pipeline)!, request, cancellationToken);
            if (!parsed.GetValue(detach))
            {
                view = await FollowAsync(context, client, view, quiet: parsed.GetValue(json), cancellationToken);
            }

            Write(context, view, parsed.GetValue(json));
            return parsed.GetValue(detach) ? ExitCodes.Ok : ExitCodes.Of(view.Status);
        });
        return command;
    }

    private static async Task<BackfillView> FollowAsync(CliContext context, GristmillClient client, BackfillView view, bool quiet, CancellationToken cancellationToken)
    {
        var told = "";
        while (view.Ended is null)
        {
            var line = Line(view);
            if (!quiet && line != told)
            {
                context.WriteLine(line);
                told = line;
            }

            await Task.Delay(Look, context.Time, cancellationToken);
            view = await client.GetBackfillAsync(view.Id, cancellationToken);
        }

        return view;
    }

    private static string Line(BackfillView view) =>
        $"  {view.Succeeded + view.Failed} of {view.Total} done{(view.Failed > 0 ? $", {view.Failed} failed" : "")}{(view.Running.Count > 0 ? $"; running {string.Join(", ", view.Running.Keys.Order(StringComparer.Ordinal).Take(5))}" : "")}";

    private static void Write(CliContext context, BackfillView view, bool json)
    {
        if (json)
        {
            context.WriteJson(view);
            return;
        }

        if (view is { Total: 0, Ended: not null })
        {
            context.WriteLine($"Backfill {view.Id} of {view.Pipeline} {view.Request.Partitions}: there was nothing to make, {Which(view.Request.Select)}.");
            return;
        }

        context.WriteLine($"Backfill {view.Id} of {view.Pipeline} {view.Request.Partitions}: {Texts.Status(view.Status)}, {view.Succeeded} of {view.Total} made{(view.Failed > 0 ? $", {view.Failed} failed" : "")}.");
        foreach (var (key, why) in view.Failures.OrderBy(failure => failure.Key, StringComparer.Ordinal))
        {
            context.WriteLine($"  {key}  {why}");
        }
    }

    private static string Which(BackfillSelection select) => select switch
    {
        BackfillSelection.Missing => "as none is missing or failed (--stale, --needed and --all pick others)",
        BackfillSelection.Failed => "as none has failed",
        BackfillSelection.Stale => "as none is stale",
        _ => "as none is missing, failed or stale",
    };

    private static Command List(CliContext context)
    {
        var (pipeline, server, json) = (new Argument<string>("pipeline") { Description = "The pipeline." }, CliContext.ServerOption(), CliContext.JsonOption());
        var command = new Command("list", "List the newest backfills of a pipeline.") { pipeline, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var views = await client.ListBackfillsAsync(parsed.GetValue(pipeline)!, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(views);
            }
            else if (views.Count == 0)
            {
                context.WriteLine($"There are no backfills of {parsed.GetValue(pipeline)}.");
            }
            else
            {
                context.WriteTable(["backfill", "range", "status", "made", "failed", "of", "started"], views.Select(view => new[]
                {
                    view.Id, view.Request.Partitions, Texts.Status(view.Status), Texts.Count(view.Succeeded), Texts.Count(view.Failed), Texts.Count(view.Total), Texts.Time(view.Created),
                }));
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Show(CliContext context)
    {
        var (id, server, json) = (new Argument<string>("backfill") { Description = "Its id." }, CliContext.ServerOption(), CliContext.JsonOption());
        var follow = new Option<bool>("--follow", "-f") { Description = "Follow it until it ends." };
        var command = new Command("show", "Show a backfill.") { id, follow, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var view = await client.GetBackfillAsync(parsed.GetValue(id)!, cancellationToken);
            if (parsed.GetValue(follow))
            {
                view = await FollowAsync(context, client, view, quiet: parsed.GetValue(json), cancellationToken);
            }

            Write(context, view, parsed.GetValue(json));
            return parsed.GetValue(follow) ? ExitCodes.Of(view.Status) : ExitCodes.Ok;
        });
        return command;
    }

    private static Command Cancel(CliContext context)
    {
        var (id, server, json) = (new Argument<string>("backfill") { Description = "Its id." }, CliContext.ServerOption(), CliContext.JsonOption());
        var command = new Command("cancel", "Cancel a backfill with its runs that are under way; what was made stays.") { id, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var view = await client.CancelBackfillAsync(parsed.GetValue(id)!, cancellationToken);
            if (view.Ended is null && !parsed.GetValue(json))
            {
                context.WriteLine($"Backfill {view.Id} of {view.Pipeline} {view.Request.Partitions} is being cancelled, {view.Succeeded} of {view.Total} made.");
            }
            else
            {
                Write(context, view, parsed.GetValue(json));
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
