using System.Net;
using Gristmill.Client;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>The object store over REST, against the real silo program with real workers.</summary>
public sealed class ObjectEndpointsTests(ObjectEndpointsTests.OneSilo one) : IClassFixture<ObjectEndpointsTests.OneSilo>
{
    private const string Unknown = "0123456789abcdef0123456789abcdef";

    private SiloProcess Silo => one.Silo;

    [Fact]
    public async Task Objects_are_listed_page_by_page_with_the_stages_that_made_them()
    {
        var token = TestContext.Current.CancellationToken;
        using var client = new GristmillClient(Silo.Http.BaseAddress!.AbsoluteUri);
        var run = one.Run;
        var whole = await client.ListObjectsAsync(new ObjectQuery { Owner = run.Id }, token);
        Assert.Equal(
            run.Stages.Select(stage => (stage.Outputs["out"].Dataset!.Id, $"{run.Id}/{stage.Name}", stage.Outputs["out"].Dataset!.Rows, stage.Outputs["out"].Dataset!.Bytes)).OrderByDescending(item => item.Bytes),
            whole.Objects.Select(item => (item.Id, item.Owner!, item.Rows!.Value, item.Bytes)));
        Assert.Equal((run.Stages.Length, null), (whole.Count, whole.Next));
        Assert.Equal(whole.Objects.Sum(item => item.Bytes), whole.Bytes);
        Assert.True(whole.Capacity > whole.Bytes);
        Assert.All(whole.Objects, item => Assert.Equal((ObjectState.Sealed, null), (item.State, item.Problem)));

        foreach (var order in Enum.GetValues<ObjectOrder>())
        {
            var found = new List<string>();
            var query = new ObjectQuery { Owner = run.Id, Order = order, Limit = 1 };
            do
            {
                var page = await client.ListObjectsAsync(query, token);
                found.Add(Assert.Single(page.Objects).Id);
                query = query with { After = page.Next };
            }
            while (query.After is not null);
            Assert.Equal(whole.Objects.Select(item => item.Id).Order(), found.Order());
        }

        var stage = await client.ListObjectsAsync(new ObjectQuery { Owner = $"{run.Id}/carriers" }, token);
        Assert.Equal("carrier: utf8, n: int64", Assert.Single(stage.Objects).Schema);
        Assert.Empty((await client.ListObjectsAsync(new ObjectQuery { Owner = run.Id[..^1] }, token)).Objects);
    }

    [Fact]
    public async Task An_object_is_shown_with_its_columns_its_rows_and_who_has_it_mapped()
    {
        var token = TestContext.Current.CancellationToken;
        using var client = new GristmillClient(Silo.Http.BaseAddress!.AbsoluteUri);
        var table = one.Run.Stages.Single(stage => stage.Name == "carriers").Outputs["out"].Dataset!;
        using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = Silo.ObjectDirectory });
        using (store.Get(table.Id))
        {
            var shown = await client.GetObjectAsync(table.Id, token);
            Assert.Equal((4L, 1, table.Checksum), (shown.Rows, shown.Batches, shown.Checksum));
            Assert.Equal([("carrier", "utf8", 0L), ("n", "int64", 0L)], shown.Columns!.Select(column => (column.Name, column.Type, column.Nulls!.Value)));
            Assert.Contains(Environment.ProcessId, shown.Processes);
        }

        var preview = await client.PreviewObjectAsync(table.Id, 2, token);
        Assert.Equal(["carrier", "n"], preview.Columns);
        Assert.Equal((2, 4L), (preview.Rows.Count, preview.Total));
        Assert.Equal(["AA", "BB"], preview.Rows.Select(row => row[0].GetString()));
    }

    [Theory]
    [InlineData("?limit=0", HttpStatusCode.BadRequest, ErrorCodes.Invalid)]
    [InlineData("?order=odd", HttpStatusCode.BadRequest, ErrorCodes.Invalid)]
    [InlineData("?after=odd", HttpStatusCode.BadRequest, ErrorCodes.Invalid)]
    [InlineData("?size=1", HttpStatusCode.BadRequest, ErrorCodes.Invalid)]
    [InlineData("/" + Unknown, HttpStatusCode.NotFound, ErrorCodes.ObjectNotFound)]
    [InlineData("/" + Unknown + "/preview", HttpStatusCode.NotFound, ErrorCodes.ObjectNotFound)]
    [InlineData("/nothing", HttpStatusCode.NotFound, ErrorCodes.ObjectNotFound)]
    [InlineData("/" + Unknown + "/preview?rows=0", HttpStatusCode.BadRequest, ErrorCodes.Invalid)]
    public async Task What_is_wrong_is_told(string path, HttpStatusCode status, string code)
    {
        using var response = await Silo.Http.GetAsync(new Uri("/api/v1/objects" + path, UriKind.Relative), TestContext.Current.CancellationToken);
        await EndToEndTests.AssertProblemAsync(response, status, code, "");
    }

    [Fact]
    public async Task A_pinned_table_outlives_its_run()
    {
        var token = TestContext.Current.CancellationToken;
        using var client = new GristmillClient(Silo.Http.BaseAddress!.AbsoluteUri);
        var run = await one.StartAsync();
        var id = run.Stages.Single(stage => stage.Name == "carriers").Outputs["out"].Dataset!.Id;
        Assert.True((await client.PinObjectAsync(id, token)).Pinned);
        await client.DeleteRunAsync(run.Id, token);
        await CollectUntilAsync(client, static gc => gc is { Mapped: 0, Pinned: > 0 });

        var left = Assert.Single((await client.ListObjectsAsync(new ObjectQuery { Owner = run.Id }, token)).Objects);
        Assert.Equal((id, true), (left.Id, left.Pinned));
        Assert.False((await client.UnpinObjectAsync(id, token)).Pinned);
        Assert.Equal(1, (await client.CollectObjectsAsync(TimeSpan.Zero, cancellationToken: token)).Objects);
        foreach (var gone in new[] { id, "..%2Fx" })
        {
            using var response = await Silo.Http.PutAsync(new Uri($"/api/v1/objects/{gone}/pin", UriKind.Relative), null, token);
            await EndToEndTests.AssertProblemAsync(response, HttpStatusCode.NotFound, ErrorCodes.ObjectNotFound, "");
        }
    }

    [Fact]
    public async Task Tables_of_a_removed_run_are_collected_and_other_ones_stay()
    {
        var token = TestContext.Current.CancellationToken;
        using var client = new GristmillClient(Silo.Http.BaseAddress!.AbsoluteUri);
        var removed = await one.StartAsync();
        await client.DeleteRunAsync(removed.Id, token);
        Assert.True((await client.CollectObjectsAsync(TimeSpan.Zero, dryRun: true, token)).DryRun);
        await CollectUntilAsync(client, static gc => gc.Mapped == 0);

        Assert.Empty((await client.ListObjectsAsync(new ObjectQuery { Owner = removed.Id }, token)).Objects);
        Assert.NotEmpty((await client.ListObjectsAsync(new ObjectQuery { Owner = one.Run.Id }, token)).Objects);
        using var plain = await Silo.PostAsync("/api/v1/objects/gc");
        var gone = await SiloProcess.ReadAsync<ObjectGc>(plain);
        Assert.Equal((false, 0), (gone.DryRun, gone.Objects));
        foreach (var query in new[] { "?olderThan=-1", "?dryRun=yes", "?dry_run=true" })
        {
            using var wrong = await Silo.PostAsync("/api/v1/objects/gc" + query);
            await EndToEndTests.AssertProblemAsync(wrong, HttpStatusCode.BadRequest, ErrorCodes.Invalid, "");
        }

        using var body = await Silo.Http.PostAsync(new Uri("/api/v1/objects/gc", UriKind.Relative), SiloProcess.Json(new { dryRun = true }), token);
        await EndToEndTests.AssertProblemAsync(body, HttpStatusCode.BadRequest, ErrorCodes.Invalid, "body");
    }

    /// <summary>Collects until it looks as it should: a worker gives its mappings back a moment after its stage has ended.</summary>
    private static async Task CollectUntilAsync(GristmillClient client, Func<ObjectGc, bool> done)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        while (!done(await client.CollectObjectsAsync(TimeSpan.Zero, cancellationToken: patience.Token)))
        {
            await Task.Delay(20, patience.Token);
        }
    }

    public sealed class OneSilo : IAsyncLifetime
    {
        public SiloProcess Silo { get; private set; } = null!;

        public RunView Run { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Silo = await SiloProcess.StartAsync();
            Trips.WriteCsv(Silo.Folder);
            Run = await StartAsync();
        }

        public async Task<RunView> StartAsync()
        {
            var csv = Path.Combine(Silo.Folder, "trips.csv");
            await Silo.RegisterAsync(Pipeline.Create("counted", p => p.Sql($"select carrier, count(*) as n from {p.Read.Csv(csv)} group by carrier order by carrier").Named("carriers")));
            var run = await Silo.FinishAsync(await Silo.StartRunAsync("counted", new RunRequest { NoCache = true }));
            Assert.Equal(RunStatus.Succeeded, run.Status);
            return run;
        }

        public ValueTask DisposeAsync() => Silo.DisposeAsync();
    }
}
