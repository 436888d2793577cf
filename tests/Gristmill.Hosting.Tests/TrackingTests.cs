using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Engines;
using Gristmill.Worker.TestCode;

namespace Gristmill.Hosting;

/// <summary>Experiments over REST, against the real silo with real workers.</summary>
public sealed class TrackingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_stages_log_and_return_is_found_and_shown()
    {
        await using var silo = await SiloProcess.StartAsync();
        using var client = new GristmillClient(silo.Http.BaseAddress!.ToString());
        var csv = Trips.WriteCsv(silo.Folder);
        var pipeline = Pipeline.Create("tracked", p =>
        {
            var rows = p.Sql($"select hour, distance, carrier, delay > 15 as late from {p.Read.Csv(csv)}");
            var trees = p.Train.LightGbm(rows, label: "late", categorical: ["carrier"], validationFraction: 0.2);
            p.Best(Metric.Auc, over: rows, among: [trees, p.Train.Linear(rows, label: "late", categorical: ["carrier"])], label: "late");
        });
        await client.RegisterPipelineAsync(pipeline.Spec, Token);
        var id = await client.StartRunAsync(pipeline.Name, new RunRequest { Tags = ImmutableDictionary<string, string>.Empty.Add("team", "x") }, Token);
        var run = await silo.FinishAsync(id);
        Assert.Equal(RunStatus.Succeeded, run.Status);

        // By what the evaluation returned and by the tag it was started with.
        var best = run.Stages.Single(stage => stage.Operation == StageOperations.Best);
        var score = best.Outputs.Values.Single(output => output.Metrics is not null).Metrics!["score"];
        var page = await client.SearchRunsAsync(new RunQuery { Filter = $"metrics.score > 0.5 and tags.team = 'x' and status = 'succeeded'", Order = $"metrics.`{best.Name}.score` desc" }, Token);
        Assert.Equal((id, score), (page.Runs.Single().Id, page.Runs.Single().Metrics[$"{best.Name}.score"]));
        Assert.Empty((await client.SearchRunsAsync(new RunQuery { Filter = "metrics.score > 1" }, Token)).Runs);

        // The trees' losses, live, as a series a step an iteration.
        var trees = run.Stages.Single(stage => stage.Operation == StageOperations.TrainLightGbm);
        var metric = trees.Metrics!.Keys.First();
        var series = Assert.Single(await client.GetMetricAsync(new MetricQuery { RunId = id, Name = $"{trees.Name}.{metric}" }, Token));
        Assert.Equal(series.Steps.Distinct().Order(), series.Steps);
        Assert.True(series.Total > 1);
        Assert.Equal(series.Values[^1], trees.Metrics[metric]);

        // Figures the evaluation drew by itself.
        var artifacts = await client.ListArtifactsAsync(id, Token);
        Assert.Contains(artifacts, artifact => artifact.Path.EndsWith("/roc.svg", StringComparison.Ordinal));
        using var svg = await silo.Http.GetAsync(new Uri($"/api/v1/runs/{id}/artifacts/{artifacts[0].Path}", UriKind.Relative), Token);
        Assert.Equal("image/svg+xml", svg.Content.Headers.ContentType!.MediaType);
        Assert.Contains("sandbox", svg.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Contains("<svg", await svg.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);

        // Tags from outside.
        Assert.Equal("y", (await client.SetTagsAsync(id, new Dictionary<string, string?> { ["note"] = "y", ["team"] = null }, Token))["note"]);
        Assert.Equal(["note"], (await client.GetRunAsync(id, Token)).Tags!.Keys);
        Assert.Equal(HttpStatusCode.NoContent, (await silo.Http.DeleteAsync(new Uri($"/api/v1/runs/{id}/tags/note", UriKind.Relative), Token)).StatusCode);
        Assert.Null((await client.GetRunAsync(id, Token)).Tags);

        // The index that is lost is made anew.
        await silo.TerminateAsync();
        foreach (var file in Directory.GetFiles(silo.DataDirectory, "tracking.db*"))
        {
            File.Delete(file);
        }

        await silo.StartAsync();
        using var again = new GristmillClient(silo.Http.BaseAddress!.ToString());
        IReadOnlyList<RunRecord> found = [];
        for (var i = 0; i < 500 && found.Count == 0; i++)
        {
            found = (await again.SearchRunsAsync(new RunQuery { Filter = "metrics.score > 0.5" }, Token)).Runs;
            await Task.Yield();
        }

        Assert.Equal(id, found.Single().Id);
    }

    [Fact]
    public async Task What_was_flushed_survives_the_silos_sudden_death_and_is_not_doubled_by_the_next_attempt()
    {
        const int points = 50_000;
        await using var silo = await SiloProcess.StartAsync();
        using var client = new GristmillClient(silo.Http.BaseAddress!.ToString());
        await RegisterAsync(client, "logging", nameof(TestStages.LogAndWait), ("points", points));
        var id = await client.StartRunAsync("logging", cancellationToken: Token);
        await silo.FollowAsync(id, static change => change.Stage?.Progress?.Message == "flushed");

        await silo.KillAsync();
        await silo.StartAsync();

        using var again = new GristmillClient(silo.Http.BaseAddress!.ToString());
        var before = Assert.Single(await again.GetMetricAsync(new MetricQuery { RunId = id, Name = "loss", Attempt = 1 }, Token));
        Assert.Equal((points, points - 1L), (before.Total, before.Steps[^1]));

        await silo.FollowAsync(id, static change => change.Stage?.Progress?.Message == "flushed");
        var after = Assert.Single(await again.GetMetricAsync(new MetricQuery { RunId = id, Name = "loss" }, Token));
        Assert.Equal((points, 2), (after.Total, after.Attempt));
        await again.CancelRunAsync(id, Token);
        Assert.Equal(RunStatus.Cancelled, (await silo.FinishAsync(id)).Status);
    }

    [Fact]
    public async Task A_figure_of_a_users_own_class_is_kept_listed_and_served_as_what_it_is()
    {
        await using var silo = await SiloProcess.StartAsync();
        using var client = new GristmillClient(silo.Http.BaseAddress!.ToString());
        await RegisterAsync(client, "drawing", nameof(TestStages.DrawPng));
        var id = await client.StartRunAsync("drawing", cancellationToken: Token);
        Assert.Equal(RunStatus.Succeeded, (await silo.FinishAsync(id)).Status);

        var artifact = Assert.Single(await client.ListArtifactsAsync(id, Token));
        Assert.Equal(("figures/custom/pixel.png", (long)TestStages.Pixel.Length), (artifact.Path, artifact.Bytes));
        using var png = await silo.Http.GetAsync(new Uri($"/api/v1/runs/{id}/artifacts/{artifact.Path}", UriKind.Relative), Token);
        Assert.Equal("image/png", png.Content.Headers.ContentType!.MediaType);
        // Shown, not downloaded.
        Assert.Null(png.Content.Headers.ContentDisposition);
        Assert.Equal(TestStages.Pixel, await png.Content.ReadAsByteArrayAsync(Token));
    }

    [Fact]
    public async Task Bad_questions_are_problems_with_a_code_and_a_place()
    {
        await using var silo = await SiloProcess.StartAsync();
        foreach (var (address, status, code, says) in new[]
        {
            ("runs?limit=x", 400, ErrorCodes.Invalid, "limit is 'x'"), ("runs?limit=0", 400, ErrorCodes.Invalid, "limit is '0'"), ("runs?limit=1&limit=2", 400, ErrorCodes.Invalid, "2 times"),
            ("runs?fliter=a", 400, ErrorCodes.Invalid, "fliter"), ("runs?filter=metrics.auc%20%3E", 400, ErrorCodes.Invalid, "character 14"),
            ("runs?order=metrics.auc%20down", 400, ErrorCodes.Invalid, "down"), ("runs?page=zzz", 400, ErrorCodes.Invalid, "page"),
            ("runs?filter=tags.a%20%3D%20'x'%3B%20drop%20table%20run", 400, ErrorCodes.Invalid, "character 13"),
            ("runs/none/metrics", 404, ErrorCodes.NotFound, "none"), ("runs/none/metrics/a", 404, ErrorCodes.NotFound, "none"), ("runs/none/tags", 404, ErrorCodes.NotFound, "none"),
            ("runs/none/artifacts/a", 404, ErrorCodes.NotFound, "'a'"), ("runs/none/artifacts/..%2F..%2Fgristmill.db", 404, ErrorCodes.NotFound, "gristmill.db"),
            ("runs/none/metrics/a?points=0", 400, ErrorCodes.Invalid, "points"),
        })
        {
            using var response = await silo.Http.GetAsync(new Uri($"/api/v1/{address}", UriKind.Relative), Token);
            var text = await response.Content.ReadAsStringAsync(Token);
            Assert.True((int)response.StatusCode == status, $"{address}: {response.StatusCode} {text}");
            var problem = JsonSerializer.Deserialize<Problem>(text, JsonSerializerOptions.Web)!;
            Assert.Equal(code, problem.Code);
            Assert.Contains(says, problem.Detail, StringComparison.Ordinal);
        }

        using var patched = await silo.Http.PatchAsync(new Uri("/api/v1/runs/none/tags", UriKind.Relative), SiloProcess.Json(new Dictionary<string, string> { ["../x"] = "y" }), Token);
        Assert.Equal(HttpStatusCode.BadRequest, patched.StatusCode);
    }

    /// <summary>A pipeline of one stage, a method of <see cref="TestStages"/>, which may be attempted three times.</summary>
    private static async Task RegisterAsync(GristmillClient client, string name, string method, params (string Name, object Value)[] arguments)
    {
        var assembly = typeof(TestStages).Assembly.Location;
        using var archive = new MemoryStream();
        using (var zip = new System.IO.Compression.ZipArchive(archive, System.IO.Compression.ZipArchiveMode.Create, leaveOpen: true))
        {
            System.IO.Compression.ZipFileExtensions.CreateEntryFromFile(zip, assembly, Path.GetFileName(assembly));
        }

        var code = await client.UploadCodeAsync(archive.ToArray(), Path.GetFileName(assembly), Token);
        await client.RegisterPipelineAsync(new PipelineSpec
        {
            Name = name,
            Code = code,
            Stages =
            [
                new StageSpec
                {
                    Name = "log",
                    Operation = StageOperations.Code,
                    Options = JsonSerializer.Serialize(new CodeCallOptions
                    {
                        Type = typeof(TestStages).FullName!,
                        Method = method,
                        Arguments = arguments.ToImmutableDictionary(static a => a.Name, static a => JsonSerializer.SerializeToElement(a.Value)),
                    }, StageJson.Options),
                    Retry = new RetryPolicy { MaxAttempts = 3 },
                },
            ],
        }, Token);
    }
}
