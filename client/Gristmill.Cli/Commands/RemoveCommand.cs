using System.CommandLine;
using System.Globalization;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Removes runs that have ended: those named, or those of a certain age.</summary>
internal static class RemoveCommand
{
    private const int Shown = 20;
    private const int AtOnce = 4;

    public static Command Create(CliContext context)
    {
        var runs = new Argument<string[]>("runs") { Description = "Ids of runs; 'mill runs' lists them.", Arity = ArgumentArity.ZeroOrMore };
        var older = new Option<string?>("--older-than") { Description = "Instead of ids: runs that ended so long ago: 12h, 30d.", HelpName = "TIME" };
        var pipeline = new Option<string?>("--pipeline") { Description = "With --older-than: only runs of this pipeline.", HelpName = "NAME" };
        var yes = new Option<bool>("--yes", "-y") { Description = "With --older-than: remove them; without it they are only listed." };
        var server = CliContext.ServerOption();

        var command = new Command("rm", "Remove runs that have ended, with all that is kept of them. What other runs have taken over from them stays.") { runs, older, pipeline, yes, server };
        command.Validators.Add(result =>
        {
            var (named, aged) = (result.GetValue(runs) is { Length: > 0 }, result.GetValue(older) is not null);
            if (named == aged)
            {
                result.AddError("Name the runs to remove, or give --older-than.");
            }
            else if (named && (result.GetValue(pipeline) is not null || result.GetValue(yes)))
            {
                result.AddError("--pipeline and --yes go with --older-than.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            return parsed.GetValue(older) is { } age
                ? await RemoveOldAsync(context, client, TriggerAddCommand.Duration(age), parsed.GetValue(pipeline), parsed.GetValue(yes), cancellationToken)
                : await RemoveNamedAsync(context, client, parsed.GetValue(runs)!, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RemoveNamedAsync(CliContext context, GristmillClient client, string[] runs, CancellationToken cancellationToken)
    {
        var exitCode = ExitCodes.Ok;
        foreach (var run in runs.Distinct(StringComparer.Ordinal))
        {
            try
            {
                await client.DeleteRunAsync(run, cancellationToken);
                context.WriteLine($"Run {run} is removed.");
            }
            catch (GristmillException e) when (e.Code is ErrorCodes.NotFound or ErrorCodes.Conflict)
            {
                // The others can still go.
                await Console.Error.WriteLineAsync($"mill: {e.Message} [{e.Code}]");
                exitCode = ExitCodes.Of(e);
            }
        }

        return exitCode;
    }

    private static async Task<int> RemoveOldAsync(
        CliContext context, GristmillClient client, TimeSpan age, string? pipeline, bool yes, CancellationToken cancellationToken)
    {
        if (age < TimeSpan.Zero)
        {
            throw new GristmillException(ErrorCodes.Invalid, "--older-than is negative.", "Write it as 12h or 30d.");
        }

        var found = await FindAsync(client, context.Time.GetUtcNow() - age, pipeline, cancellationToken);
        if (found.Count == 0)
        {
            context.WriteLine("There are no such runs.");
            return ExitCodes.Ok;
        }

        if (!yes)
        {
            context.WriteTable(["run", "pipeline", "status", "ended"], found.Take(Shown).Select(static run => new[]
            {
                run.Id, run.Pipeline, Texts.Status(run.Status), run.Ended is { } ended ? Texts.Time(ended) : "",
            }));
            context.WriteLine($"{(found.Count > Shown ? "... " : "")}{Texts.Count(found.Count, "run")}; nothing is removed yet: --yes removes them.");
            return ExitCodes.Ok;
        }

        var removed = 0;
        await Parallel.ForEachAsync(found, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (run, cancellation) =>
        {
            try
            {
                await client.DeleteRunAsync(run.Id, cancellation);
                Interlocked.Increment(ref removed);
            }
            catch (GristmillException e) when (e.Code is ErrorCodes.NotFound or ErrorCodes.Conflict)
            {
                // Somebody else has removed it, or lets it go on, since it was found.
                await Console.Error.WriteLineAsync($"mill: {e.Message} [{e.Code}]");
            }
        });
        context.WriteLine($"Removed {Texts.Count(removed, "run")}.");
        return ExitCodes.Ok;
    }

    /// <summary>All of them before the first goes, so that the pages stay as they are.</summary>
    private static async Task<List<RunRecord>> FindAsync(GristmillClient client, DateTimeOffset before, string? pipeline, CancellationToken cancellationToken)
    {
        var found = new List<RunRecord>();
        var query = new RunQuery
        {
            Pipeline = pipeline,
            Filter = string.Create(CultureInfo.InvariantCulture, $"ended < '{before.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}'"),
            Limit = RunQuery.MaxLimit,
        };
        while (true)
        {
            var page = await client.SearchRunsAsync(query, cancellationToken);
            // Without what it was found by: there may be a hundred thousand.
            found.AddRange(page.Runs.Select(static run => new RunRecord { Id = run.Id, Pipeline = run.Pipeline, Status = run.Status, Created = run.Created, Ended = run.Ended }));
            if (page.Next is null)
            {
                return found;
            }

            query = query with { Page = page.Next };
        }
    }
}
