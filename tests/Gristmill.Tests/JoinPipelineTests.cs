namespace Gristmill;

public sealed class JoinPipelineTests
{
    [Fact]
    public async Task Joins_samples_shuffles_windows_and_groups_run_as_stages()
    {
        var folder = Directory.CreateTempSubdirectory("gristmill-join-");
        try
        {
            var orders = Path.Combine(folder.FullName, "orders.csv");
            var shops = Path.Combine(folder.FullName, "shops.csv");
            await File.WriteAllLinesAsync(orders, ["id,shop,day,total", .. Enumerable.Range(0, 400).Select(i => $"{i},{i % 5},2024-01-{1 + (i / 20):00},{i}")], TestContext.Current.CancellationToken);
            await File.WriteAllLinesAsync(shops, ["key,id", "0,north", "1,south", "2,north", "9,east"], TestContext.Current.CancellationToken);
            var pipeline = Pipeline.Create("orders", p =>
            {
                var size = p.Parameter("size", 40L);
                var rows = p.Read.Csv(orders);
                var joined = p.Join(rows, p.Read.Csv(shops), on: ["shop"], rightOn: ["key"], how: JoinKind.Left, validate: JoinCardinality.ManyToOne);
                p.Check(joined, c => c.RowsBetween(400, 400).Where("(id_right is null) = (shop > 2)"));
                p.Check(p.Join(rows, p.Read.Csv(shops), on: ["shop"], rightOn: ["key"], how: JoinKind.Anti), c => c.RowsBetween(160, 160));

                var sample = p.Sample(joined).Rows(size, by: ["id_right"]);
                p.Check(sample, c => c.RowsBetween(40, 40).Unique("id"));
                p.Check(p.Sql($"select id_right from {sample} group by id_right having count(*) = 16 or id_right = 'south' and count(*) = 8"), c => c.RowsBetween(3, 3));
                p.Check(p.Sample(joined).RowsOfEach(["shop"], 3), c => c.RowsBetween(15, 15));
                p.Check(p.Sample(joined).Fraction(1.5, replacement: true), c => c.RowsBetween(600, 600));
                p.Check(p.Shuffle(joined), c => c.RowsBetween(400, 400).Unique("id"));

                var windows = p.Sql($"""
                    select *, avg(total) over (partition by shop order by day range between interval 7 days preceding and current row) as week,
                           lag(total) over (partition by shop order by day, id) as before,
                           rank() over (partition by shop order by total desc) as place
                    from {rows} order by id
                    """);
                p.Check(windows, c => c.RowsBetween(400, 400).Where("before is not distinct from case when id >= 5 then id - 5 end").Where("place = 80 - id // 5").Where("day > date '2024-01-01' or week = shop + 7.5"));
            });

            Assert.Equal(0, await Mill.RunAsync(pipeline, ["--data", Path.Combine(folder.FullName, "data")], TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
