using System.Net;
using Gristmill.Client;

namespace Gristmill.Hosting;

/// <summary>Partitions and a backfill over REST, against the real silo program, which is killed in the middle of it.</summary>
public sealed class PartitionEndpointsTests
{
    private const int Rows = 600;

    [Fact]
    public async Task Six_months_are_backfilled_though_the_silo_is_killed()
    {
        var token = TestContext.Current.CancellationToken;
        await using var silo = await SiloProcess.StartAsync();
        var file = Path.Combine(silo.Folder, "flights.csv");
        await File.WriteAllLinesAsync(file, Enumerable.Range(0, Rows).Select(i => $"{new DateOnly(2001, 1, 1).AddDays(i * 181 / Rows):yyyy-MM-dd},{i}").Prepend("date,n"), token);
        var pipeline = Pipeline.Create("monthly", p =>
        {
            var month = p.PartitionBy.Month("month", from: new DateOnly(2001, 1, 1), to: new DateOnly(2001, 7, 1));
            var raw = p.Read.Csv(file);
            var rows = p.Sql($"select * from {raw} where date >= {month.Start} and date < {month.End}");
            p.Sql($"select {month.Key} as month, count(*) as rows from {rows}").Named("count");
        });
        using (var client = new GristmillClient(silo.Http.BaseAddress!.AbsoluteUri))
        {
            await client.RegisterPipelineAsync(pipeline.Spec, token);
            using var none = await silo.Http.PostAsync(new Uri("/api/v1/pipelines/monthly/runs", UriKind.Relative), SiloProcess.Json(new RunRequest()), token);
            await EndToEndTests.AssertProblemAsync(none, HttpStatusCode.BadRequest, ErrorCodes.Partition, "'month'");
            using var bad = await silo.Http.GetAsync(new Uri("/api/v1/pipelines/monthly/partitions?range=2002-01", UriKind.Relative), token);
            await EndToEndTests.AssertProblemAsync(bad, HttpStatusCode.BadRequest, ErrorCodes.Partition, "2002-01");
            Assert.Equal(6, (await client.ListPartitionsAsync("monthly", cancellationToken: token)).Counts[PartitionStatus.Missing]);
        }

        string id;
        using (var client = new GristmillClient(silo.Http.BaseAddress!.AbsoluteUri))
        {
            id = (await client.StartBackfillAsync("monthly", new BackfillRequest { Partitions = "2001-01..2001-06", Parallel = 2 }, token)).Id;
            while ((await client.GetBackfillAsync(id, token)).Succeeded == 0)
            {
                await Task.Delay(20, token);
            }
        }

        await silo.KillAsync();
        await silo.StartAsync();
        using var again = new GristmillClient(silo.Http.BaseAddress!.AbsoluteUri);
        BackfillView view;
        while ((view = await again.GetBackfillAsync(id, token)).Ended is null)
        {
            await Task.Delay(50, token);
        }

        Assert.True((RunStatus.Succeeded, 6) == (view.Status, view.Succeeded), GristmillJson.Serialize(view) + silo.Log);
        var runs = await again.ListRunsAsync("monthly", cancellationToken: token);
        Assert.Equal(["2001-01", "2001-02", "2001-03", "2001-04", "2001-05", "2001-06"], runs.Select(run => run.Partition!).Order());
        var april = await again.GetRunAsync(runs.Single(run => run.Partition == "2001-04").Id, token);
        Assert.InRange(april.Stages.Single(stage => stage.Name == "rows").Usage!.Rows, 90, 110);

        Assert.Equal(2, await again.MarkStaleAsync("monthly", "2001-02..2001-03", "late data", token));
        var stale = await again.ListPartitionsAsync("monthly", new PartitionQuery(Status: PartitionStatus.Stale), token);
        Assert.Equal(["2001-02", "2001-03"], stale.Items.Select(item => item.Key));
        Assert.Equal([id], (await again.ListBackfillsAsync("monthly", token)).Select(backfill => backfill.Id));
    }

    [Fact]
    public async Task Months_within_airports_are_made_and_asked_for_by_their_whole_keys()
    {
        var token = TestContext.Current.CancellationToken;
        await using var silo = await SiloProcess.StartAsync();
        var file = Path.Combine(silo.Folder, "flights.csv");
        await File.WriteAllLinesAsync(file, Enumerable.Range(0, Rows).Select(i => $"{new DateOnly(2001, 1, 1).AddDays(i * 90 / Rows):yyyy-MM-dd},{(i % 3 == 0 ? "ORD" : "ATL")}").Prepend("date,origin"), token);
        var pipeline = Pipeline.Create("by-airport", p =>
        {
            var airport = p.PartitionBy.Static("airport", "ORD", "ATL");
            var month = p.PartitionBy.Month("month", from: new DateOnly(2001, 1, 1), to: new DateOnly(2001, 4, 1));
            var raw = p.Read.Csv(file);
            p.Sql($"select * from {raw} where origin = {airport} and date >= {month.Start} and date < {month.End}").Named("rows");
        });
        using var client = new GristmillClient(silo.Http.BaseAddress!.AbsoluteUri);
        await client.RegisterPipelineAsync(pipeline.Spec, token);

        using var half = await silo.Http.GetAsync(new Uri("/api/v1/pipelines/by-airport/partitions?range=2001-02", UriKind.Relative), token);
        await EndToEndTests.AssertProblemAsync(half, HttpStatusCode.BadRequest, ErrorCodes.Partition, "'airport' and 'month'");
        var id = (await client.StartBackfillAsync("by-airport", new BackfillRequest { Partitions = "*/2001-02..2001-03", Parallel = 2 }, token)).Id;
        BackfillView view;
        while ((view = await client.GetBackfillAsync(id, token)).Ended is null)
        {
            await Task.Delay(50, token);
        }

        Assert.True((RunStatus.Succeeded, 4) == (view.Status, view.Succeeded), GristmillJson.Serialize(view) + silo.Log);
        var runs = await client.ListRunsAsync("by-airport", cancellationToken: token);
        Assert.Equal(["ATL/2001-02", "ATL/2001-03", "ORD/2001-02", "ORD/2001-03"], runs.Select(run => run.Partition!).Order(StringComparer.Ordinal));
        // A day has 6 or 7 of 600 rows in 90 days, a third of them of ORD.
        async Task<long> RowsAsync(string partition) => (await client.GetRunAsync(runs.Single(run => run.Partition == partition).Id, token)).Stages.Single(stage => stage.Name == "rows").Usage!.Rows;
        Assert.InRange(await RowsAsync("ORD/2001-02"), 55, 70);
        Assert.InRange(await RowsAsync("ATL/2001-02"), 115, 135);

        var page = await client.ListPartitionsAsync("by-airport", new PartitionQuery(Limit: 3, After: "ORD/2001-01"), token);
        Assert.Equal(["ORD/2001-02:Ready", "ORD/2001-03:Ready", "ATL/2001-01:Missing"], page.Items.Select(item => $"{item.Key}:{item.Status}"));
        Assert.Equal("ATL/2001-01", page.Next);
        Assert.Equal(2, await client.MarkStaleAsync("by-airport", "ORD/*", cancellationToken: token));
    }
}
