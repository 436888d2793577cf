using Spectre.Console;
using Grid = Spectre.Console.Table;

namespace Gristmill.Display;

/// <summary>Shows a run while it goes: a live table on a terminal, a line a change where output is redirected.</summary>
internal sealed class RunDisplay(IAnsiConsole console, TimeProvider time)
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(200);

    /// <summary>Between two lines of progress of one stage, where there is no live table.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);

    /// <summary>Rows of a live table of a large run: the ones to look at, and a line for all others.</summary>
    private const int MaxRows = 24;

    /// <summary>Shows the events until they end.</summary>
    /// <returns>The run as it was last seen, or null if there was no event.</returns>
    public Task<RunView?> FollowAsync(IAsyncEnumerable<RunEvent> events, CancellationToken cancellationToken) =>
        console.Profile.Capabilities.Interactive && console.Profile.Capabilities.Ansi
            ? FollowLiveAsync(events, cancellationToken)
            : FollowPlainAsync(events, cancellationToken);

    /// <summary>The run as a table.</summary>
    public Grid Table(RunView run)
    {
        var table = new Grid().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        table.AddColumn("stage").AddColumn("status").AddColumn(new TableColumn("progress").RightAligned())
            .AddColumn(new TableColumn("rows").RightAligned()).AddColumn(new TableColumn("time").RightAligned()).AddColumn("");
        var stages = run.Stages.AsEnumerable();
        var captions = new List<string>();
        if (IsHeld(run))
        {
            captions.Add("paused");
        }

        if (run.Counts.Total > RunView.MaxStages)
        {
            stages = run.Stages.Where(static stage => stage.Status is StageStatus.Failed or StageStatus.Running)
                .OrderByDescending(static stage => stage.Status == StageStatus.Failed).Take(MaxRows);
            captions.Add(Texts.Counts(run.Counts));
        }

        if (captions.Count > 0)
        {
            table.Caption(Markup.Escape(string.Join("; ", captions)));
        }

        foreach (var stage in stages)
        {
            var retries = stage.Attempts > 1 ? $" (attempt {stage.Attempts})" : "";
            table.AddRow(
                new Text(stage.Name),
                new Markup($"[{Texts.Colour(stage.Status)}]{Texts.Status(stage)}[/]{Markup.Escape(retries)}"),
                new Text(Progress(stage)),
                new Text(stage.Usage is { Rows: > 0 } usage ? Texts.Count(usage.Rows) : ""),
                new Text(Texts.Elapsed(stage, time.GetUtcNow()) is { } elapsed ? Texts.Duration(elapsed) : ""),
                new Text(Texts.Detail(stage)) { Overflow = Overflow.Ellipsis });
        }

        return table;
    }

    private static bool IsHeld(RunView run) => run is { Paused: true, Ended: null };

    private static string Progress(StageView stage) =>
        stage.Status == StageStatus.Running && stage.Progress?.Fraction is { } fraction
            ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{fraction * 100:0} %")
            : "";

    private async Task<RunView?> FollowLiveAsync(IAsyncEnumerable<RunEvent> events, CancellationToken cancellationToken)
    {
        var board = new RunBoard();
        await console.Live(new Text("Waiting for the run to start ...")).StartAsync(async live =>
        {
            using var timer = new PeriodicTimer(Refresh, time);
            await using var changes = events.GetAsyncEnumerator(cancellationToken);
            var next = changes.MoveNextAsync().AsTask();
            while (true)
            {
                // Redrawn at a pace, not at each event: a fast stage reports hundreds a second.
                var tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
                while (await Task.WhenAny(next, tick) == next)
                {
                    if (!await next)
                    {
                        Draw(live, board);
                        return;
                    }

                    board.Apply(changes.Current);
                    next = changes.MoveNextAsync().AsTask();
                }

                await tick;
                Draw(live, board);
            }
        });
        return board.Run;
    }

    private void Draw(LiveDisplayContext live, RunBoard board)
    {
        if (board.Run is { } run)
        {
            live.UpdateTarget(Table(run));
        }
    }

    private async Task<RunView?> FollowPlainAsync(IAsyncEnumerable<RunEvent> events, CancellationToken cancellationToken)
    {
        var board = new RunBoard();
        var written = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        var counted = time.GetTimestamp();
        var held = false;
        await foreach (var change in events.WithCancellation(cancellationToken))
        {
            var changes = board.Apply(change);
            if (board.Latest is { Ended: null } now && now.Paused != held)
            {
                held = now.Paused;
                console.Profile.Out.Writer.WriteLine(held ? $"  run {now.Id} is paused" : $"  run {now.Id} goes on");
                console.Profile.Out.Writer.Flush();
            }

            foreach (var (before, after) in changes)
            {
                var at = time.GetUtcNow();
                if (board.IsLarge)
                {
                    // Of thousands of stages those that fail, and now and then how far it is.
                    if (after.Status == StageStatus.Failed && before?.Status != StageStatus.Failed)
                    {
                        WriteLine(after);
                    }
                }
                else if (before?.Status != after.Status && after.Status != StageStatus.Pending)
                {
                    WriteLine(after);
                    written[after.Name] = at;
                }
                else if (after.Status == StageStatus.Running && before?.Progress != after.Progress
                    && at - written.GetValueOrDefault(after.Name) >= Quiet)
                {
                    WriteLine(after);
                    written[after.Name] = at;
                }
            }

            if (board is { IsLarge: true, Latest: { } run } && (change.Run?.Ended is not null || time.GetElapsedTime(counted) >= Quiet))
            {
                counted = time.GetTimestamp();
                console.Profile.Out.Writer.WriteLine($"  {Texts.Counts(run.Counts)}");
                console.Profile.Out.Writer.Flush();
            }
        }

        return board.Run;
    }

    private void WriteLine(StageView stage)
    {
        var parts = new[]
        {
            $"  {stage.Name,-16} {Texts.Status(stage),-9}",
            Progress(stage),
            stage.Usage is { Rows: > 0 } usage ? $"{Texts.Count(usage.Rows)} rows" : "",
            stage.Ended is not null && Texts.Elapsed(stage, time.GetUtcNow()) is { } elapsed ? Texts.Duration(elapsed) : "",
            Texts.Detail(stage),
        };
        // Not through the console's layout, which would fold lines at 80 columns of a file.
        console.Profile.Out.Writer.WriteLine(string.Join("  ", parts.Where(part => part.Length > 0)).TrimEnd());
        console.Profile.Out.Writer.Flush();
    }

    /// <summary>How a run ended, in a line, and what is wrong with it.</summary>
    public void WriteEnd(RunView run)
    {
        var took = run.Ended is { } ended ? $" in {Texts.Duration(ended - (run.Started ?? run.Created))}" : "";
        var held = IsHeld(run) ? ", paused" : "";
        var cached = run.CacheHits > 0 ? $", {run.CacheHits} of {run.Stages.Length} stages from the cache" : "";
        console.MarkupLine($"Run [bold]{Markup.Escape(run.Id)}[/] [{Texts.Colour(run.Status)}]{Texts.Status(run.Status)}[/]{held}{took}{cached}.");
        if (run.Error is { } error)
        {
            WriteError(console, error);
        }
    }

    /// <summary>An error with its code, hint and, for crashes, the last lines of the log.</summary>
    public static void WriteError(IAnsiConsole console, ErrorInfo error)
    {
        WriteText(console, $"{error.Message} [{error.Code}]", Color.Red);
        if (error.Hint is { } hint)
        {
            WriteText(console, hint, Color.Default);
        }

        if (error.Details is { } details && details.TryGetValue("log", out var log))
        {
            WriteText(console, log.TrimEnd(), Color.Grey);
        }
    }

    private static void WriteText(IAnsiConsole console, string text, Color colour)
    {
        if (console.Profile.Capabilities.Ansi)
        {
            console.Write(new Text(text + "\n", new Style(colour)));
            return;
        }

        // Not folded at 80 columns of a file: paths and messages are searched for.
        console.Profile.Out.Writer.WriteLine(text);
    }
}
