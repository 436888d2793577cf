namespace Gristmill.Cli.Live;

/// <summary>'mill partitions', 'mill backfill' and 'mill run --partitions' on a real server.</summary>
public sealed class LivePartitionTests(LiveServer server) : LiveTests(server)
{
    [Fact]
    public async Task Months_are_run_shown_marked_and_backfilled()
    {
        await RunAsync(0, "run", Write("months"), "--partitions", "2001-01..2001-02");
        var both = Assert.Single(await Client.ListRunsAsync("months", cancellationToken: Token));
        Assert.Equal("2001-01..2001-02", both.Partition);

        var text = await UntilAsync(static said => said.EndsWith("\n4 missing, 2 ready.\n", StringComparison.Ordinal), "partitions", "months");
        var rows = Rows(text);
        Assert.Equal(["month", "2001-01", "2001-02", "2001-03", "2001-04", "2001-05", "2001-06"], rows.Keys.SkipLast(1));
        Assert.Equal(["2001-01", "ready", both.Id], (string[])[.. rows["2001-01"][..2], rows["2001-01"][3]]);
        Assert.Equal(["2001-03", "missing"], rows["2001-03"]);
        Assert.EndsWith("More: --after 2001-04\n", await RunAsync(0, "partitions", "months", "--status", "missing", "-n", "2"), StringComparison.Ordinal);
        Assert.Equal(["month", "2001-05", "2001-06"], Rows(await RunAsync(0, "partitions", "months", "--status", "missing", "--after", "2001-04")).Keys.SkipLast(1));

        // The command that it names can be pasted: a shell would take a bare asterisk for files.
        Assert.Equal("Marked 2 partitions stale. To make anew what is stale: mill backfill months \"*\" --stale\n", await RunAsync(0, "partitions", "mark-stale", "months", "*", "--reason", "late data"));
        Assert.Equal(["stale", "late data"], (string[])[Rows(await RunAsync(0, "partitions", "months", "--range", "2001-02"))["2001-02"] is var row ? row[1] : "", row[^1]]);

        text = await RunAsync(0, "backfill", "months", "2001-01..2001-03", "--needed");
        Assert.EndsWith(" of months 2001-01..2001-03: succeeded, 3 of 3 made.\n", text, StringComparison.Ordinal);
        Assert.EndsWith("\n3 missing, 3 ready.\n", await RunAsync(0, "partitions", "months"), StringComparison.Ordinal);
        Assert.Equal(["2001-01", "2001-02", "2001-03"], (await Client.ListRunsAsync("months", cancellationToken: Token)).Where(run => run.Id != both.Id).Select(run => run.Partition!).Order());
        Assert.Contains("there was nothing to make, as none is stale.", await RunAsync(0, "backfill", "months", "*", "--stale"), StringComparison.Ordinal);

        // Late data: no run of their own.
        Assert.StartsWith("late marks 2001-02 of months stale every 6 h\n", await RunAsync(0, "trigger", "add", "late", "months", "--every", "6h", "--partition", "2001-02", "--mark-stale"), StringComparison.Ordinal);
        Assert.Equal("Firing 1 marked partition 2001-02 stale.\n", await RunAsync(0, "trigger", "fire", "late"));
        Assert.EndsWith("\n3 missing, 2 ready, 1 stale.\n", await RunAsync(0, "partitions", "months"), StringComparison.Ordinal);
        await RunAsync(0, "trigger", "rm", "late");

        // Of which month a run is, is seen.
        Assert.Equal(["2001-01", "2001-01..2001-02", "2001-02", "2001-03"], Rows(await RunAsync(0, "runs", "months")).Values.Skip(1).Select(cells => cells[2]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_backfill_is_listed_shown_and_cancelled()
    {
        Assert.Equal("There are no backfills of slow-months.\n", await RunAsync(0, "backfill", "list", "slow-months"));
        // Each waits for a file that never comes.
        var pipeline = Pipeline.Create("slow-months", p =>
        {
            p.PartitionBy.Month("month", from: new DateOnly(2001, 1, 1), to: new DateOnly(2001, 7, 1));
            p.Run(LiveStages.Wait, Path.Combine(Silo.Folder, "never")).Named("wait");
        });
        await Silo.RegisterAsync(pipeline);

        var started = await RunAsync(0, "backfill", "slow-months", "2001-01..2001-03", "--parallel", "2", "--detach");
        Assert.Matches(@"\ABackfill \S+ of slow-months 2001-01\.\.2001-03: running, 0 of 3 made\.\n\z", started);
        var id = started.Split(' ')[1];
        while ((await Client.GetBackfillAsync(id, Token)).Running.Count < 2)
        {
            await Task.Delay(20, Token);
        }

        Assert.Equal(["2001-01..2001-03", "running", "0", "0", "3"], Rows(await RunAsync(0, "backfill", "list", "slow-months"))[id][1..6]);
        Assert.Equal(started, await RunAsync(0, "backfill", "show", id));
        Assert.Matches($@"\ABackfill {id} of slow-months 2001-01\.\.2001-03( is being|:) cancelled, 0 of 3 made", await RunAsync(0, "backfill", "cancel", id));
        Assert.Contains($"Backfill {id} of slow-months 2001-01..2001-03: cancelled, 0 of 3 made", await RunAsync(130, "backfill", "show", id, "--follow"), StringComparison.Ordinal);
        foreach (var run in await Client.ListRunsAsync("slow-months", cancellationToken: Token))
        {
            Assert.Equal(RunStatus.Cancelled, (await Silo.FinishAsync(run.Id)).Status);
        }
    }

    [Fact]
    public async Task Two_dimensions_are_a_grid()
    {
        await RunAsync(0, "run", Write("shops", "north", "south"), "--partition", "2001-01/north");
        Assert.EndsWith(" of shops 2001-01..2001-02/*: succeeded, 3 of 3 made.\n", await RunAsync(0, "backfill", "shops", "2001-01..2001-02/*"), StringComparison.Ordinal);
        await RunAsync(0, "partitions", "mark-stale", "shops", "2001-02/south");

        var text = await RunAsync(0, "partitions", "shops");
        Assert.StartsWith("""
            month    north    south
            2001-01  ready    ready
            2001-02  ready    stale
            2001-03  missing  missing

            """.ReplaceLineEndings("\n"), text, StringComparison.Ordinal);
        Assert.EndsWith("\n8 missing, 3 ready, 1 stale.\n", text, StringComparison.Ordinal);
        Assert.Equal(["month/shop", "2001-02/south"], Rows(await RunAsync(0, "partitions", "shops", "--status", "stale")).Keys.SkipLast(1));
    }

    /// <summary>A spec in a file, by half a year of months and perhaps by shop.</summary>
    private string Write(string name, params string[] shops)
    {
        var pipeline = Pipeline.Create(name, p =>
        {
            var month = p.PartitionBy.Month("month", from: new DateOnly(2001, 1, 1), to: new DateOnly(2001, 7, 1));
            if (shops.Length > 0)
            {
                p.PartitionBy.Static("shop", shops);
            }

            p.Sql($"select {month.Key} as month").Named("take");
        });
        var file = Path.Combine(Silo.Folder, name + ".json");
        SpecFile.Write(pipeline.Spec, file);
        return file;
    }
}
