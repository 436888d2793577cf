using System.Net;

namespace Gristmill.Hosting.Caching;

/// <summary>The result cache with the real silo, real workers, files on disk and tables in shared memory.</summary>
public sealed class CacheTests(CacheTests.WarmSilo warm) : IClassFixture<CacheTests.WarmSilo>
{
    private static Pipeline Pipeline(string csv, string name = "cached", int rounds = 20) => Gristmill.Pipeline.Create(name, p =>
    {
        var raw = p.Read.Csv(csv);
        var rows = p.Sql($"select day, hour, distance, carrier, delay > 15 as late from {raw}");
        var (train, test) = p.Split(rows).ByTime("day", new DateOnly(2024, 5, 1));
        var trees = p.Train.LightGbm(train, label: "late", categorical: ["carrier"], exclude: ["day"], iterations: rounds);
        var best = p.Best(Metric.Auc, over: test, among: [trees], label: "late");
        p.Register(name, best);
    });

    private async Task<StageCacheView> ExplainAsync(string run, string stage)
    {
        using var response = await warm.Silo.Http.GetAsync(new Uri($"/api/v1/runs/{run}/stages/{stage}/cache", UriKind.Relative), TestContext.Current.CancellationToken);
        return await SiloProcess.ReadAsync<StageCacheView>(response);
    }

    [Fact]
    public async Task A_run_again_executes_nothing_but_the_registration()
    {
        var first = warm.First;
        var second = await warm.Silo.RunAsync(Pipeline(warm.Csv));

        Assert.Equal(RunStatus.Succeeded, second.Status);
        Assert.Equal(second.Stages.Length - 1, second.CacheHits);
        Assert.All(second.Stages.Where(s => s.Operation != StageOperations.Register), stage => Assert.Equal(first.Id, stage.CachedFrom!.Run));
        Assert.Null(second.Stages.Single(s => s.Operation == StageOperations.Register).CachedFrom);
        Assert.Equal(first.Stages[0].Outputs["out"].Dataset, second.Stages[0].Outputs["out"].Dataset);
        var hit = await ExplainAsync(second.Id, "trees");
        Assert.Equal((CacheOutcome.Hit, first.Id), (hit.Outcome, hit.Origin!.Run));
    }

    [Fact]
    public async Task A_changed_option_is_named_and_what_stands_before_it_is_taken_over()
    {
        var changed = await warm.Silo.RunAsync(Pipeline(warm.Csv, rounds: 21));
        Assert.NotNull(changed.Stages.Single(s => s.Name == "rows").CachedFrom);
        Assert.Null(changed.Stages.Single(s => s.Name == "trees").CachedFrom);
        var miss = await ExplainAsync(changed.Id, "trees");
        Assert.Equal(CacheOutcome.Miss, miss.Outcome);
        Assert.Equal(warm.First.Id, miss.Nearest!.Run);
        Assert.Equal(new FingerprintChange("option iterations", "20", "21"), Assert.Single(miss.Nearest.Changes));
        var best = await ExplainAsync(changed.Id, "best");
        Assert.StartsWith("input model:trees", Assert.Single(best.Nearest!.Changes).Name, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_file_is_read_again_and_equal_rows_are_the_same_input()
    {
        var folder = Directory.CreateDirectory(Path.Combine(warm.Silo.Folder, Guid.NewGuid().ToString("n"))).FullName;
        var csv = Trips.WriteCsv(folder);
        var first = await warm.Silo.RunAsync(Pipeline(csv, "touched"));
        Assert.Null(first.Stages[0].CachedFrom);
        // The rows are those of the other file: only what reads it is executed.
        Assert.Equal(warm.First.Id, first.Stages[1].CachedFrom?.Run);

        File.SetLastWriteTimeUtc(csv, File.GetLastWriteTimeUtc(csv).AddSeconds(1));
        var touched = await warm.Silo.RunAsync(Pipeline(csv, "touched"));
        Assert.Null(touched.Stages[0].CachedFrom);
        Assert.NotNull(touched.Stages[1].CachedFrom);
        var change = Assert.Single((await ExplainAsync(touched.Id, "raw")).Nearest!.Changes);
        Assert.Equal($"file {csv}", change.Name);

        await File.AppendAllTextAsync(csv, "2024-01-01,1,100,AA,99\n", TestContext.Current.CancellationToken);
        var grown = await warm.Silo.RunAsync(Pipeline(csv, "touched"));
        Assert.Equal(Trips.Rows + 1, grown.Stages[0].Usage!.Rows);
        Assert.Null(grown.Stages[1].CachedFrom);
    }

    [Fact]
    public async Task Equal_rows_are_the_same_input_whoever_made_them()
    {
        var first = await warm.Silo.RunAsync(Reading("r"));
        var second = await warm.Silo.RunAsync(Reading("a-reader-of-a-much-longer-name-that-its-table-keeps"));
        Assert.NotEqual(first.Stages[0].Outputs["out"].Dataset!.Bytes, second.Stages[0].Outputs["out"].Dataset!.Bytes);
        Assert.Null(second.Stages[0].CachedFrom);
        Assert.Equal(first.Id, second.Stages[1].CachedFrom?.Run);

        Pipeline Reading(string name)
        {
            var csv = Trips.WriteCsv(Directory.CreateDirectory(Path.Combine(warm.Silo.Folder, Guid.NewGuid().ToString("n"))).FullName);
            return Gristmill.Pipeline.Create("reading", p => p.Sql($"select hour, min(distance) as least from {p.Read.Csv(csv).Named(name)} group by hour order by hour").Named("hours"));
        }
    }

    [Fact]
    public async Task A_query_that_looks_at_the_clock_is_executed_each_time()
    {
        var pipeline = Gristmill.Pipeline.Create("clock", p => p.Sql($"select now() as at from {p.Read.Csv(warm.Csv)} limit 1").Named("at"));
        await warm.Silo.RunAsync(pipeline);
        var second = await warm.Silo.RunAsync(pipeline);
        Assert.Null(second.Stages.Single(s => s.Name == "at").CachedFrom);
        Assert.Contains("now", (await ExplainAsync(second.Id, "at")).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lost_table_is_computed_again()
    {
        var csv = Trips.WriteCsv(Directory.CreateDirectory(Path.Combine(warm.Silo.Folder, Guid.NewGuid().ToString("n"))).FullName);
        var pipeline = Gristmill.Pipeline.Create("lost", p => p.Sql($"select hour, count(*) as n from {p.Read.Csv(csv)} group by hour having hour > 3 order by hour").Named("hours"));
        var first = await warm.Silo.RunAsync(pipeline);
        using (var store = Objects.ObjectStore.Open(new Objects.ObjectStoreOptions { Directory = warm.Silo.ObjectDirectory }))
        {
            Assert.True(store.Delete(first.Stages[1].Outputs["out"].Dataset!.Id));
        }

        var second = await warm.Silo.RunAsync(pipeline);
        Assert.Equal(RunStatus.Succeeded, second.Status);
        Assert.NotNull(second.Stages[0].CachedFrom);
        Assert.Null(second.Stages[1].CachedFrom);
        Assert.Contains("evicted", (await ExplainAsync(second.Id, "hours")).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_there_is_not_is_not_found()
    {
        using var run = await warm.Silo.Http.GetAsync(new Uri("/api/v1/runs/none/stages/raw/cache", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, run.StatusCode);
        using var stage = await warm.Silo.Http.GetAsync(new Uri($"/api/v1/runs/{warm.First.Id}/stages/nobody/cache", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, stage.StatusCode);
    }

    public sealed class WarmSilo : IAsyncLifetime
    {
        public SiloProcess Silo { get; private set; } = null!;

        public string Csv { get; private set; } = "";

        public RunView First { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Silo = await SiloProcess.StartAsync();
            Csv = Trips.WriteCsv(Silo.Folder);
            First = await Silo.RunAsync(Pipeline(Csv));
            Assert.Equal(RunStatus.Succeeded, First.Status);
            Assert.Equal(0, First.CacheHits);
        }

        public ValueTask DisposeAsync() => Silo.DisposeAsync();
    }
}
