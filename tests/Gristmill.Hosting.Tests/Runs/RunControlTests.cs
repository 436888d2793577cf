using System.Net;

namespace Gristmill.Hosting.Runs;

/// <summary>Pause, retry, rerun, comparison, logs and checkpoints over REST, with users' code in real workers.</summary>
public sealed class RunControlTests(RunControlTests.OneSilo one) : IClassFixture<RunControlTests.OneSilo>
{
    private SiloProcess Silo => one.Silo;

    private string NewPath() => Path.Combine(Silo.Folder, Guid.NewGuid().ToString("n"));

    private async Task<RunView> PostAsync(string id, string verb)
    {
        using var response = await Silo.PostAsync($"/api/v1/runs/{id}/{verb}");
        return await SiloProcess.ReadAsync<RunView>(response);
    }

    [Fact]
    public async Task Logs_are_live_while_the_stage_runs_and_kept_when_it_has_ended()
    {
        var file = NewPath();
        var pipeline = Pipeline.Create("talk", p => p.Run(SiloStages.Talk, file).Named("talk"));
        await Silo.RegisterAsync(pipeline);
        var id = await Silo.StartRunAsync("talk");
        var path = $"/api/v1/runs/{id}/stages/talk/logs";
        using var stream = new StreamReader(await Silo.Http.GetStreamAsync(new Uri($"{path}/events", UriKind.Relative), TestContext.Current.CancellationToken));
        Assert.Equal("before\n", (await NextAsync(stream)).Text);
        var live = await Silo.GetAsync<LogPage>(path);
        Assert.Equal(("before\n", false), (live.Text, live.Ended));

        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        Assert.Equal(RunStatus.Succeeded, (await Silo.FinishAsync(id)).Status);
        var last = await NextAsync(stream);
        Assert.Equal(("after\n", 7), (last.Text, last.Offset));
        var kept = await Silo.GetAsync<LogPage>($"{path}?attempt=1");
        Assert.Equal(("before\nafter\n", true, 13), (kept.Text, kept.Ended, kept.Next));
        Assert.Equal("after\n", (await Silo.GetAsync<LogPage>($"{path}?offset=7")).Text);
        // A browser that lost the stream says where it was.
        using (var again = new HttpRequestMessage(HttpMethod.Get, new Uri($"{path}/events?offset=2", UriKind.Relative)) { Headers = { { "Last-Event-ID", "7" } } })
        {
            using var rest = await Silo.Http.SendAsync(again, TestContext.Current.CancellationToken);
            Assert.Contains("\"text\":\"after\\n\"", await rest.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        Assert.Contains("\"text\":\"fore\\nafter\\n\"", await Silo.Http.GetStringAsync(new Uri($"{path}/events?offset=2", UriKind.Relative), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal("befo", (await Silo.GetAsync<LogPage>($"{path}?limit=4")).Text);

        foreach (var (bad, status) in new[] { ("?limit=0", HttpStatusCode.BadRequest), ("?offset=-1", HttpStatusCode.BadRequest), ("/events?offset=-1", HttpStatusCode.BadRequest), ("?attempt=7", HttpStatusCode.NotFound) })
        {
            using var response = await Silo.Http.GetAsync(new Uri(path + bad, UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.Equal(status, response.StatusCode);
        }

        static async Task<LogPage> NextAsync(StreamReader stream)
        {
            while (await stream.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal) && GristmillJson.Deserialize<LogPage>(line[6..]) is { Text.Length: > 0 } page)
                {
                    return page;
                }
            }

            throw new EndOfStreamException();
        }
    }

    [Fact]
    public async Task A_failed_run_is_retried_from_the_stage_that_failed()
    {
        var file = NewPath();
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        var pipeline = Pipeline.Create("retry", p =>
        {
            var n = p.Run(SiloStages.Number, 4).Named("number");
            p.Run(SiloStages.FailWhile, file, n.Metrics["value"]).Named("fail");
        });
        var failed = await Silo.RunAsync(pipeline);
        Assert.Equal(RunStatus.Failed, failed.Status);
        File.Delete(file);

        Assert.Equal(1, (await PostAsync(failed.Id, "retry")).Retries);
        var ended = await Silo.FinishAsync(failed.Id);
        Assert.Equal((RunStatus.Succeeded, 5), (ended.Status, ended.Stages[1].Outputs["metrics"].Metrics!["value"]));
        Assert.Equal(failed.Stages[0].Ended, ended.Stages[0].Ended);
        using var again = await Silo.PostAsync($"/api/v1/runs/{failed.Id}/retry");
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
    }

    [Fact]
    public async Task A_paused_run_waits_and_goes_on()
    {
        var file = NewPath();
        var pipeline = Pipeline.Create("paused", p =>
        {
            var talk = p.Run(SiloStages.Talk, file).Named("talk");
            p.Run(SiloStages.Number, 3).Named("after").After(talk);
        });
        await Silo.RegisterAsync(pipeline);
        var id = await Silo.StartRunAsync("paused");
        Assert.True((await PostAsync(id, "pause")).Paused);
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        await Silo.FollowAsync(id, change => change.Stage is { Name: "talk", Status: StageStatus.Succeeded } || change.Run?.Stages[0].Status == StageStatus.Succeeded);
        Assert.Equal(StageStatus.Pending, (await Silo.GetRunAsync(id)).Stages[1].Status);
        Assert.False((await PostAsync(id, "resume")).Paused);
        Assert.Equal(RunStatus.Succeeded, (await Silo.FinishAsync(id)).Status);
    }

    [Fact]
    public async Task A_run_that_has_ended_is_removed_with_all_that_is_kept_of_it()
    {
        var file = NewPath();
        var pipeline = Pipeline.Create("removed", p => p.Run(SiloStages.Talk, file).Named("talk"));
        await Silo.RegisterAsync(pipeline);
        var id = await Silo.StartRunAsync("removed");
        await RefusedAsync(HttpStatusCode.Conflict, ErrorCodes.Conflict);
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        Assert.Equal(RunStatus.Succeeded, (await Silo.FinishAsync(id)).Status);
        var kept = await Silo.GetAsync<LogPage>($"/api/v1/runs/{id}/stages/talk/logs");
        Assert.Equal("before\nafter\n", kept.Text);

        using (var removed = await DeleteAsync())
        {
            Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        }

        foreach (var path in new[] { "", "/stages", "/stages/talk", "/stages/talk/logs", "/stages/talk/cache", "/events", "/metrics", "/params", "/tags" })
        {
            using var response = await Silo.Http.GetAsync(new Uri($"/api/v1/runs/{id}{path}", UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.True(response.StatusCode == HttpStatusCode.NotFound, $"{path}: {response.StatusCode}");
        }

        Assert.Empty(await Silo.GetAsync<RunRecord[]>("/api/v1/runs?pipeline=removed"));
        await RefusedAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);

        Task<HttpResponseMessage> DeleteAsync() => Silo.Http.DeleteAsync(new Uri($"/api/v1/runs/{id}", UriKind.Relative), TestContext.Current.CancellationToken);

        async Task RefusedAsync(HttpStatusCode status, string code)
        {
            using var response = await DeleteAsync();
            await EndToEndTests.AssertProblemAsync(response, status, code, id);
        }
    }

    [Fact]
    public async Task Runs_are_started_again_with_other_parameters_and_compared()
    {
        var pipeline = Pipeline.Create("rerun", p => p.Run(SiloStages.Number, p.Parameter("n", 1)).Named("number"));
        var first = await Silo.RunAsync(pipeline);
        using var response = await Silo.Http.PostAsync(new Uri($"/api/v1/runs/{first.Id}/rerun", UriKind.Relative),
            SiloProcess.Json(new RunRequest { Parameters = first.Parameters.SetItem("n", "2") }), TestContext.Current.CancellationToken);
        var second = await Silo.FinishAsync((await SiloProcess.ReadAsync<RunStarted>(response)).Id);
        Assert.Equal((first.Id, first.PipelineVersion), (second.RerunOf, second.PipelineVersion));

        var comparison = await Silo.GetAsync<ComparedRuns>($"/api/v1/runs/compare?run={first.Id}&run={second.Id}");
        Assert.Equal([first.Id, second.Id], comparison.Runs);
        ComparisonRow Row(string group, string name) => comparison.Rows.Single(row => row.Group == group && row.Name == name);
        Assert.Equal(["1", "2"], Row("parameter", "n").Values);
        Assert.Equal(["1", "2"], Row("metric", "number/value").Values);
        Assert.Equal(["1", "2"], Row("depends", "number/argument n").Values);
        Assert.False(Row("depends", "number/code").Differs);
        Assert.False(Row("run", "version").Differs);
        Assert.NotNull(Row("package", "Gristmill").Values[0]);
        Assert.Equal(2, Row("seconds", "number").Values.Length);
        using var alone = await Silo.Http.GetAsync(new Uri($"/api/v1/runs/compare?run={first.Id}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, alone.StatusCode);
    }

    [Fact]
    public async Task A_stage_goes_on_from_its_checkpoint_after_its_silo_was_killed()
    {
        await using var silo = await SiloProcess.StartAsync();
        var file = Path.Combine(silo.Folder, "counted");
        var pipeline = Pipeline.Create("count", p => p.Run(SiloStages.Count, 20, file).Named("count"));
        await silo.RegisterAsync(pipeline);
        var id = await silo.StartRunAsync("count");
        await silo.FollowAsync(id, change => File.Exists(file));
        while (!File.Exists(file))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await silo.KillAsync();
        await silo.StartAsync();
        var run = await silo.FinishAsync(id);
        Assert.Equal((RunStatus.Succeeded, 20, 2), (run.Status, run.Stages[0].Outputs["metrics"].Metrics!["value"], run.Stages[0].Attempts));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(silo.DataDirectory, "stages", "checkpoints")));
    }

    public sealed class OneSilo : IAsyncLifetime
    {
        public SiloProcess Silo { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Silo = await SiloProcess.StartAsync();

        public ValueTask DisposeAsync() => Silo.DisposeAsync();
    }
}
