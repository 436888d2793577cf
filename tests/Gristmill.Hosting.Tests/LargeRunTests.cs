using System.Net;

namespace Gristmill.Hosting;

/// <summary>A run of thousands of stages over REST, on the real silo with real workers.</summary>
public sealed class LargeRunTests
{
    private const int Stages = 3_000;

    [Fact]
    public async Task A_run_of_thousands_of_stages_is_registered_followed_and_shown_in_pages()
    {
        await using var silo = await SiloProcess.StartAsync();
        var spec = new PipelineSpec
        {
            Name = "large",
            Description = new string('x', 100_000),
            Stages = [.. Enumerable.Range(0, Stages).Select(static i => new StageSpec
            {
                Name = $"s{i}",
                Operation = StageOperations.NoOp,
                After = i < 100 ? [] : [$"s{i - 100}"],
            })],
        };

        using (var put = await silo.Http.PutAsync(new Uri("/api/v1/pipelines/large", UriKind.Relative), SiloProcess.Json(spec), TestContext.Current.CancellationToken))
        {
            var view = await SiloProcess.ReadAsync<PipelineView>(put);
            Assert.Equal((PipelineVersion.Of(spec), 1), (view.Version, view.Versions));
        }

        Assert.Equal(GristmillJson.Canonical(spec), GristmillJson.Canonical((await GetAsync<PipelineView>(silo, "pipelines/large")).Spec));
        var id = await silo.StartRunAsync("large");
        var ended = new HashSet<string>();
        var largest = 0;
        await silo.FollowAsync(id, change =>
        {
            foreach (var stage in change.Stage is { } one ? [one] : change.Stages)
            {
                if (stage.Status == StageStatus.Succeeded)
                {
                    ended.Add(stage.Name);
                }
            }

            largest = Math.Max(largest, GristmillJson.Serialize(change).Length);
            return change.Run?.Ended is not null;
        });
        Assert.Equal(Stages, ended.Count);
        Assert.InRange(largest, 1, 256 << 10);

        var run = await silo.GetRunAsync(id);
        Assert.Equal((RunStatus.Succeeded, Stages), (run.Status, run.Counts.Succeeded));
        Assert.InRange(run.Stages.Length, 1, RunView.MaxStages);
        var names = new List<string>();
        for (int? offset = 0; offset is { } at;)
        {
            var page = await GetAsync<StagePage>(silo, $"runs/{id}/stages?offset={at}&limit=1000");
            Assert.InRange(page.Stages.Length, 1, 1000);
            names.AddRange(page.Stages.Select(static stage => stage.Name));
            offset = page.Next;
        }

        Assert.Equal(spec.Stages.Select(static stage => stage.Name), names);
        Assert.Empty((await GetAsync<StagePage>(silo, $"runs/{id}/stages?status=failed")).Stages);
        Assert.Equal(["s2899"], (await GetAsync<StageView>(silo, $"runs/{id}/stages/s2999")).DependsOn);
        await RefusedAsync(silo, $"runs/{id}/stages?limit=1001", HttpStatusCode.BadRequest);
        await RefusedAsync(silo, $"runs/{id}/stages?status=odd", HttpStatusCode.BadRequest);
        await RefusedAsync(silo, $"runs/{id}/stages/nothing", HttpStatusCode.NotFound);
        await RefusedAsync(silo, "runs/nothing/stages", HttpStatusCode.NotFound);
    }

    private static async Task<T> GetAsync<T>(SiloProcess silo, string path)
    {
        using var response = await silo.Http.GetAsync(new Uri("/api/v1/" + path, UriKind.Relative), TestContext.Current.CancellationToken);
        return await SiloProcess.ReadAsync<T>(response);
    }

    private static async Task RefusedAsync(SiloProcess silo, string path, HttpStatusCode status)
    {
        using var response = await silo.Http.GetAsync(new Uri("/api/v1/" + path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(status, response.StatusCode);
    }
}
