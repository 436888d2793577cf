using System.Diagnostics;

namespace Gristmill.Data.Tests.Execution;

public sealed class MemoryTests
{
    private const long Limit = 64 << 20;
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_data_set_of_ten_times_the_memory_limit_flows()
    {
        using var fixture = new FlowFixture();
        // 13 million rows of 8 + 8 + 4 + about 36 bytes are 710 MB.
        FlowFixture.Duck($"copy (select i, i / 4.0::double as x, 'a text of some length to carry, ' || (i % 1000) as name from range(13000000) r(i)) to '{fixture.File("a.parquet")}' (compression zstd)");
        FlowProgress? last = null;
        var bytes = 0L;
        var reports = 0;
        var before = Process.GetCurrentProcess().WorkingSet64;
        var flow = fixture.Read("a.parquet").With(fixture.Options with
        {
            MemoryLimit = Limit,
            Workers = 4,
            Progress = new Told(p =>
            {
                Interlocked.Increment(ref reports);
                last = p;
            }),
        });

        var rows = await flow.Map((Wide w) => new Wide(w.I, w.X + 1, w.Name))
            .MapBatches(batch =>
            {
                Interlocked.Add(ref bytes, batch.Arrays.Sum(a => a.Data.Buffers.Sum(b => (long)b.Length)));
                return batch;
            })
            .Sql("select \"Name\" as name, count(*) as n, sum(\"X\") as x from input group by name order by name").As<Group>().ToListAsync(s_token);

        Assert.True(bytes > 10 * Limit, $"only {bytes} bytes flowed");
        Assert.Equal(1000, rows.Count);
        Assert.All(rows, row => Assert.Equal(13_000, row.N));
        Assert.Equal(Enumerable.Range(0, 13_000_000).Sum(i => (i / 4.0) + 1), rows.Sum(r => r.X), 1e-6 * 1e13);
        Assert.InRange(last!.PeakMemory, 1, Limit / 2);
        Assert.Equal((0, true, 1.0), (last.MemoryInUse, last.Completed, last.Fraction));
        Assert.True(reports > 1);
        Assert.InRange(Process.GetCurrentProcess().WorkingSet64 - before, long.MinValue, 6 * Limit);
    }

    [Theory]
    [InlineData(Limit)]
    [InlineData(Limit * 3)]
    public async Task A_slow_consumer_holds_the_reader_back(long limit)
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy (select i, i / 4.0::double as x, 'a text of some length to carry, ' || i as name from range(3000000) r(i)) to '{fixture.File("a.parquet")}'");
        FlowProgress? last = null;
        var (blocks, seen) = (0, 0);
        var flow = fixture.Read("a.parquet").With(fixture.Options with { MemoryLimit = limit, Progress = new Told(p => last = p) }).Map((Wide w) =>
        {
            Interlocked.Increment(ref seen);
            return w;
        });

        await foreach (var batch in flow.BatchesAsync(s_token))
        {
            using (batch)
            {
                // Whoever reads nothing lets the others run ahead as far as they may.
                for (var before = -1; blocks == 0 && before != Volatile.Read(ref seen); await Task.Delay(300, s_token))
                {
                    before = Volatile.Read(ref seen);
                }

                if (blocks++ == 0)
                {
                    Assert.InRange(seen, 1, 2_500_000);
                }
            }
        }

        Assert.Equal(3_000_000, seen);
        Assert.InRange(last!.PeakMemory, 1, limit * 3 / 4);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_is_left_of_a_flow_whether_it_succeeds_or_fails(bool fails)
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 200_000);
        var memory = new List<long>();
        for (var i = 0; i < 3; i++)
        {
            FlowProgress? last = null;
            var flow = fixture.Read("a.parquet").With(fixture.Options with { Progress = new Told(p => last = p) })
                .Map((Number n) => fails && n.I == 150_000 ? throw new InvalidOperationException("no") : n).Sql("select * from input order by x desc").Map((Number n) => n.X);
            try
            {
                await flow.SumAsync(x => x, s_token);
                memory.Add(last!.MemoryInUse);
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.StageFailed)
            {
                memory.Add(0);
            }
        }

        Assert.All(memory, left => Assert.Equal(0, left));
        Assert.Equal(0, fixture.Store.LiveLeases);
        // What DuckDB spills is in a folder of the database, which goes with it.
        Assert.Equal(["a.parquet"], Directory.EnumerateFileSystemEntries(fixture.Folder).Select(Path.GetFileName));
    }

    private readonly record struct Wide(long I, double X, string Name);

    private readonly record struct Group(string Name, long N, double X);
}
