using System.Collections.Immutable;

namespace Gristmill.Cli.Live;

/// <summary>The commands about runs on a real server.</summary>
public sealed class LiveRunTests(LiveServer server) : LiveTests(server)
{
    [Fact]
    public async Task Runs_are_found_ordered_paged_shown_and_started_again()
    {
        await Client.RegisterPipelineAsync(Idle("counted", new ParameterSpec("n", ParameterType.Integer, "0")), Token);
        var ids = await StartAsync("counted", 5);

        Assert.Equal(["run", ids[3], ids[4]], Rows(await RunAsync(0, "runs", "counted", "--filter", "params.n >= 3", "--order", "params.n")).Keys);
        Assert.Equal(["run", ids[4], ids[3]], Rows(await RunAsync(0, "runs", "counted", "--order", "params.n desc", "-n", "2")).Keys);
        var next = (await Client.SearchRunsAsync(new RunQuery { Pipeline = "counted", Order = "params.n desc", Limit = 2 }, Token)).Next!;
        var page = Rows(await RunAsync(0, "runs", "counted", "--order", "params.n desc", "-n", "2", "--page", next));
        Assert.Equal(["run", ids[2], ids[1]], page.Keys);
        Assert.Equal("params.n", page["run"][^1]);
        Assert.Equal(["counted", "succeeded", "2"], (string[])[.. page[ids[2]][1..3], page[ids[2]][^1]]);
        var byAge = ids.Order(StringComparer.Ordinal).ToList();
        Assert.Equal(["run", byAge[0]], Rows(await RunAsync(0, "runs", "counted", "--before", byAge[1], "--columns", "params.n")).Keys);
        Assert.Equal("There are no runs for which the filter holds.\n", await RunAsync(0, "runs", "counted", "--filter", "params.n > 9"));

        var text = await RunAsync(0, "rerun", ids[2], "-p", "n=8");
        var again = text.Split('\n').Single(static line => line.StartsWith("Run ", StringComparison.Ordinal)).Split(' ')[1];
        var run = await Client.GetRunAsync(again, Token);
        Assert.Equal(("8", ids[2]), (run.Parameters["n"], run.RerunOf));
        Assert.StartsWith($"Run {again} succeeded in ", text.Split('\n')[^2], StringComparison.Ordinal);
        var shown = await RunAsync(0, "show", again);
        Assert.Contains($" as a rerun of {ids[2]}\n  n = 8\n", shown, StringComparison.Ordinal);
        Assert.Equal("succeeded", Rows(shown[shown.IndexOf("stage ", StringComparison.Ordinal)..])["take"][1]);
        await RunAsync(2, "rerun", ids[2], "-p", "m=8");

        Assert.Equal(["red", "x"], Rows(await RunAsync(0, "tag", again, "team=red", "note=x")) is var tags ? [tags["team"][1], tags["note"][1]] : []);
        Assert.Equal(["run", again], Rows(await RunAsync(0, "runs", "--filter", "tags.team = 'red'")).Keys);
        Assert.Equal(["tag", "team"], Rows(await RunAsync(0, "tag", again, "note=")).Keys);
        Assert.Equal("red", (await Client.GetRunAsync(again, Token)).Tags!["team"]);
        Assert.Equal("The run has no tags.\n", await RunAsync(0, "tag", again, "team="));
        Assert.Equal($"Run {again} has ended: succeeded.\n", await RunAsync(0, "cancel", again));
    }

    [Fact]
    public async Task A_run_is_cancelled()
    {
        await Silo.RegisterAsync(Pipeline.Create("waiting", p => p.Run(LiveStages.Wait, Path.Combine(Silo.Folder, "never")).Named("wait")));
        var id = await Client.StartRunAsync("waiting", cancellationToken: Token);
        await Silo.FollowAsync(id, static change => (change.Stage ?? change.Run?.Stages[0])?.Status == StageStatus.Running);

        Assert.Matches($@"\ARun {id} (is being|has ended:) cancelled\.\n\z", await RunAsync(0, "cancel", id));
        Assert.Equal(RunStatus.Cancelled, (await Silo.FinishAsync(id)).Status);
        await UntilAsync(said => Rows(said)[id][2] == "cancelled", "runs", "waiting");
    }

    [Fact]
    public async Task A_large_run_is_shown_in_pages()
    {
        const int stages = 250;
        await Client.RegisterPipelineAsync(Idle("wide") with { Stages = [.. Enumerable.Range(0, stages).Select(static i => new StageSpec { Name = $"s{i}", Operation = StageOperations.NoOp })] }, Token);
        var id = await Client.StartRunAsync("wide", cancellationToken: Token);
        await Silo.FinishAsync(id);

        // None has failed: a hundred lines of those that have not would say nothing.
        var text = await RunAsync(0, "show", id);
        Assert.DoesNotContain("s0 ", text, StringComparison.Ordinal);
        Assert.Contains($"250 succeeded of 250 stages; 'mill show {id} --stages' lists them.\n", text, StringComparison.Ordinal);

        text = await RunAsync(0, "show", id, "--stages");
        Assert.Equal(Enumerable.Range(0, 100).Select(static i => $"s{i}"), Rows(text).Keys.Skip(1).SkipLast(1));
        Assert.EndsWith("\n250 succeeded of 250 stages; --offset 100 goes on.\n", text, StringComparison.Ordinal);
        text = await RunAsync(0, "show", id, "--stages", "--offset", "200", "-n", "1000");
        Assert.Equal(Enumerable.Range(200, 50).Select(static i => $"s{i}"), Rows(text).Keys.Skip(1).SkipLast(1));
        Assert.EndsWith("\n250 succeeded of 250 stages\n", text, StringComparison.Ordinal);
        Assert.Equal("250 succeeded of 250 stages\n", await RunAsync(0, "show", id, "--stages", "--status", "failed"));
    }

    [Fact]
    public async Task Metrics_and_figures_are_listed_drawn_and_fetched()
    {
        var csv = Path.Combine(Silo.Folder, "points.csv");
        await File.WriteAllLinesAsync(csv, Enumerable.Range(0, 400).Select(static i => $"{i % 37},{i % 11},{(i % 37 > 18 ? 1 : 0)}").Prepend("a,b,late"), Token);
        await Client.RegisterPipelineAsync(Pipeline.Create("measured", p =>
        {
            var rows = p.Sql($"select a, b, late = 1 as late from {p.Read.Csv(csv)}").Named("rows");
            var trees = p.Train.LightGbm(rows, label: "late", validationFraction: 0.3).Named("trees");
            p.Evaluate(trees, over: rows, label: "late").Named("quality");
        }).Spec, Token);
        var id = await Client.StartRunAsync("measured", cancellationToken: Token);
        var run = await Silo.FinishAsync(id);
        Assert.Equal(RunStatus.Succeeded, run.Status);

        var text = await RunAsync(0, "metrics", id);
        var auc = run.Stages.Single(static stage => stage.Name == "quality").Outputs.Values.First(static output => output.Metrics is not null).Metrics!["auc"];
        Assert.Contains(text.Split('\n'), line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["quality", "auc", var value, "output"]
            && value == auc.ToString("G6", System.Globalization.CultureInfo.InvariantCulture));
        var logged = run.Stages.Single(static stage => stage.Name == "trees").Metrics!.Keys.First();
        Assert.Matches($@"(?m)^trees\.{logged}: [\d,]+ points, attempt 1$", await RunAsync(0, "metrics", id, $"trees.{logged}"));
        Assert.Matches($@"(?m)^  trees: .*\b{logged} ", await RunAsync(0, "show", id));

        var figure = Rows(await RunAsync(0, "artifacts", id))["figures/quality/roc.svg"];
        Assert.Equal("quality", figure[2]);
        var file = Path.Combine(Silo.Folder, "roc.svg");
        Assert.Equal(file + "\n", await RunAsync(0, "artifacts", id, "figures/quality/roc.svg", "--output", file));
        Assert.Contains("<svg", await File.ReadAllTextAsync(file, Token), StringComparison.Ordinal);
        await RunAsync(2, "artifacts", id, "figures/none.svg", "--output", file + "2");
        Assert.False(File.Exists(file + "2"));
    }

    [Fact]
    public async Task Hundreds_of_runs_are_compared()
    {
        const int many = 250;
        await Client.RegisterPipelineAsync(Idle("sweep", new ParameterSpec("n", ParameterType.Integer, "0"), new ParameterSpec("same", ParameterType.String, "\"x\"")), Token);
        var ids = await StartAsync("sweep", many);

        var records = await Client.GetRunRecordsAsync(ids, Token);
        Assert.Equal(ids, records.Select(static run => run.Id));
        Assert.Equal(Enumerable.Range(0, many).Select(static i => $"{i}"), records.Select(static run => run.Parameters["n"]));
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => Client.CompareRunsAsync(ids, Token))).Code);
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<GristmillException>(() => Client.GetRunRecordsAsync([.. ids, "nothing"], Token))).Code);

        var named = await RunAsync(0, ["compare", .. ids]);
        Assert.Equal(["run", "status", "n"], Rows(named)["run"]);
        Assert.Equal(ids, Rows(named).Keys.Skip(1).SkipLast(1));
        Assert.Equal(["succeeded", "249"], Rows(named)[ids[249]][1..]);
        Assert.EndsWith("\n250 runs; --all shows also what is the same in all.\n", named, StringComparison.Ordinal);

        var best = await RunAsync(0, "compare", "--pipeline", "sweep", "--filter", "params.n >= 100", "--order", "params.n desc", "--all");
        Assert.Equal(ids.Skip(100).Reverse(), Rows(best).Keys.Skip(1).SkipLast(1));
        Assert.Equal("same", Rows(best)["run"][^1]);
        Assert.Equal(many, GristmillJson.Deserialize<RunRecord[]>(await RunAsync(0, "compare", "--pipeline", "sweep", "--json")).Length);
        Assert.Equal("There are no such runs.\n", await RunAsync(0, "compare", "--filter", "pipeline = 'none'"));

        // Two are columns with everything.
        Assert.Equal(["parameter", "n", "3", "4"], (await RunAsync(0, "compare", ids[3], ids[4])).Split('\n')
            .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Single(static cells => cells is ["parameter", ..]));
        await RunAsync(2, "compare", ids[3], ids[4], "--pipeline", "sweep");
    }

    /// <summary>Runs of n = 0, 1, ..., each ended.</summary>
    private async Task<string[]> StartAsync(string pipeline, int count)
    {
        var ids = new string[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Token }, async (i, token) =>
        {
            ids[i] = await Client.StartRunAsync(pipeline, new RunRequest { Parameters = ImmutableDictionary<string, string>.Empty.Add("n", $"{i}") }, token);
            await Client.WaitRunAsync(ids[i], token);
        });
        return ids;
    }
}
