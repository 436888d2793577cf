using System.IO.Compression;
using Apache.Arrow.Ipc;
using Gristmill.Engines.Sql.Reading;

namespace Gristmill.Data.Tests.Reading;

public sealed class ReadTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("a.parquet", "")]
    [InlineData("a.csv", "(header)")]
    [InlineData("a.tsv", "(format csv, header, delimiter '\t')")]
    [InlineData("a.csv.gz", "(format csv, header, compression gzip)")]
    [InlineData("a.jsonl", "(format json)")]
    [InlineData("a.ndjson.zst", "(format json, compression zstd)")]
    public async Task Formats_are_told_by_endings(string name, string options)
    {
        using var fixture = new FlowFixture();
        fixture.Numbers(name, 3000, options: options);

        var rows = await fixture.Read(name).As<Number>().ToListAsync(s_token);

        Assert.Equal(Enumerable.Range(0, 3000).Select(i => new Number(i, i / 4.0, $"name {i % 100}")), rows);
    }

    [Fact]
    public async Task Arrow_files_and_streams_are_read_in_blocks()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 100_000);
        await fixture.Read("a.parquet").WriteArrowAsync("a.arrow", cancellationToken: s_token);
        using (var lease = fixture.Store.Get(await fixture.Read("a.parquet").ToObjectAsync(fixture.Store, s_token)))
        await using (var file = File.Create(fixture.File("a.arrows")))
        {
            using var writer = new ArrowStreamWriter(file, lease.Schema);
            foreach (var batch in lease.Batches)
            {
                writer.WriteRecordBatch(batch);
            }

            writer.WriteEnd();
        }

        foreach (var name in new[] { "a.arrow", "a.arrows" })
        {
            var rows = await fixture.Read(name).As<Number>().ToListAsync(s_token);
            Assert.Equal(Enumerable.Range(0, 100_000).Select(i => new Number(i, i / 4.0, $"name {i % 100}")), rows);
        }

        Assert.Equal(200_000, await fixture.Read("*.arrow*").CountAsync(s_token));
    }

    [Fact]
    public async Task Text_is_read_line_by_line()
    {
        using var fixture = new FlowFixture();
        var lines = Enumerable.Range(0, 60_000).Select(i => i % 7 == 0 ? "" : i % 1000 == 1 ? new string('ü', 5000) : $"line {i}").ToList();
        await File.WriteAllTextAsync(fixture.File("a.txt"), "\uFEFF" + string.Join("\r\n", lines), s_token);
        await using (var file = new GZipStream(File.Create(fixture.File("b.txt.gz")), CompressionLevel.Fastest))
        await using (var writer = new StreamWriter(file))
        {
            await writer.WriteAsync(string.Join('\n', lines) + "\n");
        }

        Assert.Equal(lines, await fixture.Read("a.txt").Map((string line) => line).ToListAsync(s_token));
        Assert.Equal(lines, await fixture.Read("b.txt.gz").Map((string line) => line).ToListAsync(s_token));

        await File.WriteAllBytesAsync(fixture.File("c.txt"), [.. "good\nb"u8, 0xFF, .. "d\n"u8], s_token);
        var error = await FlowFixture.FailAsync(() => fixture.Read("c.txt").CountAsync(s_token));
        Assert.Equal(ErrorCodes.FileFormat, error.Code);
        Assert.Contains("line 2 is not UTF-8", error.Message);
        Assert.Contains("c.txt", error.Message);
    }

    [Fact]
    public async Task Folders_and_patterns_are_read_in_the_order_of_their_names()
    {
        using var fixture = new FlowFixture();
        Directory.CreateDirectory(fixture.File("data/sub/_hidden"));
        fixture.Numbers("data/b.parquet", 10, 10);
        fixture.Numbers("data/a.parquet", 10);
        fixture.Numbers("data/sub/c.parquet", 10, 20);
        fixture.Numbers("data/sub/_hidden/d.parquet", 10, 30);
        fixture.Numbers("data/.e.parquet", 10, 40);

        Task<List<int>> Read(string path) => fixture.Read(path).Map((Number n) => n.I).ToListAsync(s_token);
        Assert.Equal(Enumerable.Range(0, 30), await Read("data"));
        Assert.Equal(Enumerable.Range(0, 20), await Read("data/[ab].parquet"));
        Assert.Equal(Enumerable.Range(0, 30), await Read("data/**/[a-c].parquet"));
        Assert.Equal(Enumerable.Range(20, 10), await Read("data/*/?.parquet"));

        fixture.Numbers("data/f.csv", 10);
        Assert.Contains("several formats: Parquet, Csv", (await FlowFixture.FailAsync(() => Read("data"))).Message);
        Assert.Equal(ErrorCodes.FileNotFound, (await FlowFixture.FailAsync(() => Read("data/no*.parquet"))).Code);
        Assert.Contains("nowhere.csv", (await FlowFixture.FailAsync(() => Read("nowhere.csv"))).Message);
        await File.WriteAllTextAsync(fixture.File("a.xyz"), "", s_token);
        Assert.Contains("a.xyz' does not say", (await FlowFixture.FailAsync(() => Read("a.xyz"))).Message);
    }

    [Theory]
    [InlineData("it's; drop table x; --.csv")]
    [InlineData("a[1]*?.csv")]
    public async Task A_file_may_have_any_name(string name)
    {
        using var fixture = new FlowFixture();
        await File.WriteAllTextAsync(fixture.File(name), "i\n1\n2\n", s_token);
        await File.WriteAllTextAsync(fixture.File("a1x.csv"), "i\n9\n", s_token);

        Assert.Equal(3, await fixture.Read(name).SumAsync("i", s_token));
    }

    [Fact]
    public async Task Bad_rows_of_CSV_fail_are_skipped_or_set_apart()
    {
        using var fixture = new FlowFixture();
        var lines = Enumerable.Range(0, 30_000).Select(i => i is 25_000 or 25_001 ? "x,oops" : $"{i},{i * 2}");
        await File.WriteAllTextAsync(fixture.File("a.csv"), "i,j\n" + string.Join('\n', lines), s_token);
        var types = new Dictionary<string, string> { ["i"] = "INTEGER", ["j"] = "INTEGER" };
        FlowProgress? last = null;
        DataFlow Flow(FileReadOptions options) => fixture.Read("a.csv", options).With(fixture.Options with { Progress = new Told(p => last = p) });

        var error = await FlowFixture.FailAsync(() => Flow(new FileReadOptions { Types = types }).SumAsync("j", s_token));
        Assert.Equal(ErrorCodes.FileFormat, error.Code);
        Assert.Equal("25002", error.Error.Details["line"]);

        var good = Enumerable.Range(0, 30_000).Where(i => i is not (25_000 or 25_001)).Sum(i => (long)i * 2);
        Assert.Equal(good, await Flow(new FileReadOptions { Types = types, OnBadRows = BadRows.Skip }).SumAsync("j", s_token));
        Assert.Equal(2, last!.BadRows);

        Assert.Equal(good, await Flow(new FileReadOptions { Types = types, OnBadRows = BadRows.Quarantine, Quarantine = "bad.jsonl" }).Map((Two t) => t).SumAsync(t => t.J, s_token));
        Assert.Equal([25_002L, 25_003L], await fixture.Read("bad.jsonl").Sql("select line from input").As<long>().ToListAsync(s_token));

        Assert.Equal(ErrorCodes.Invalid, (await FlowFixture.FailAsync(() => Flow(new FileReadOptions { OnBadRows = BadRows.Quarantine }).CountAsync(s_token))).Code);
    }

    [Fact]
    public async Task A_Parquet_whose_columns_change_is_named_with_the_column()
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy (select 1 as a, 'x' as b) to '{fixture.File("p1.parquet")}'");
        FlowFixture.Duck($"copy (select 2 as a, 2.5::double as b) to '{fixture.File("p2.parquet")}'");
        FlowFixture.Duck($"copy (select 3 as a) to '{fixture.File("q1.parquet")}'");
        FlowFixture.Duck($"copy (select 4 as a, 'y' as c) to '{fixture.File("q2.parquet")}'");

        var type = await FlowFixture.FailAsync(() => fixture.Read("p*.parquet").CountAsync(s_token));
        Assert.Equal(ErrorCodes.TypeMismatch, type.Code);
        Assert.Equal(("b", fixture.File("p2.parquet")), (type.Error.Details["column"], type.Error.Details["file"]));

        var added = await FlowFixture.FailAsync(() => fixture.Read("q*.parquet").CountAsync(s_token));
        Assert.Equal(ErrorCodes.UnknownColumn, added.Code);
        Assert.Contains("q2.parquet' has a column 'c'", added.Message);

        Assert.Equal(["", "y"], await fixture.Read("q*.parquet", new FileReadOptions { UnionByName = true }).Sql("select coalesce(c, '') as c from input order by a").As<string>().ToListAsync(s_token));
    }

    [Fact]
    public async Task An_unreadable_file_of_a_folder_is_named_or_left_out()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 1000);
        fixture.Numbers("c.parquet", 1000);
        await File.WriteAllTextAsync(fixture.File("b.parquet"), "this is no Parquet", s_token);
        FlowProgress? last = null;

        var error = await FlowFixture.FailAsync(() => fixture.Read("*.parquet").CountAsync(s_token));
        Assert.Equal((ErrorCodes.FileFormat, fixture.File("b.parquet")), (error.Code, error.Error.Details["file"]));

        var flow = fixture.Read("*.parquet", new FileReadOptions { OnUnreadable = UnreadableFiles.Skip }).With(fixture.Options with { Progress = new Told(p => last = p) });
        Assert.Equal(2000, await flow.CountAsync(s_token));
        Assert.Equal(fixture.File("b.parquet"), Assert.Single(last!.SkippedFiles).Path);
    }

    [Fact]
    public async Task A_file_damaged_in_its_middle_is_named()
    {
        using var fixture = new FlowFixture();
        foreach (var name in new[] { "a", "b", "c" })
        {
            fixture.Numbers($"{name}.parquet", 50_000);
        }

        var bytes = await File.ReadAllBytesAsync(fixture.File("b.parquet"), s_token);
        Assert.InRange(bytes.Length, 100_000, 10_000_000);
        new Random(1).NextBytes(bytes.AsSpan(4, bytes.Length / 2));
        await File.WriteAllBytesAsync(fixture.File("b.parquet"), bytes, s_token);

        var error = await FlowFixture.FailAsync(() => fixture.Read("*.parquet").Map((Number n) => n).SumAsync(n => n.X, s_token));

        Assert.Equal((ErrorCodes.FileFormat, fixture.File("b.parquet")), (error.Code, error.Error.Details["file"]));
        error = await FlowFixture.FailAsync(() => fixture.Read("*.parquet").Sql("select i, x, name from input where x >= 0").Map((Number n) => n).SumAsync(n => n.X, s_token));
        Assert.Equal((ErrorCodes.FileFormat, fixture.File("b.parquet")), (error.Code, error.Error.Details["file"]));
    }

    [Fact]
    public async Task Hostile_Arrow_files_are_errors()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 5000);
        await fixture.Read("a.parquet").WriteArrowAsync("a.arrow", cancellationToken: s_token);
        var whole = await File.ReadAllBytesAsync(fixture.File("a.arrow"), s_token);
        var random = new Random(7);
        var refused = 0;
        for (var i = 0; i < 200; i++)
        {
            var bytes = whole.ToArray();
            for (var k = 0; k < 1 + (i % 4); k++)
            {
                bytes[random.Next(Math.Min(bytes.Length, 2000))] = (byte)random.Next(256);
            }

            await File.WriteAllBytesAsync(fixture.File("bad.arrow"), bytes.AsMemory(0, i % 3 == 0 ? random.Next(bytes.Length) : bytes.Length), s_token);
            try
            {
                await fixture.Read("bad.arrow").ForEachBlockAsync(_ => { }, s_token);
            }
            catch (GristmillException e)
            {
                Assert.Contains(e.Code, new[] { ErrorCodes.FileFormat, ErrorCodes.FileNotFound, ErrorCodes.TypeMismatch });
                refused++;
            }
        }

        Assert.InRange(refused, 60, 200);
    }

    [Fact]
    public async Task The_file_of_a_row_is_a_column()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 2);
        fixture.Numbers("b.parquet", 1);

        var files = await fixture.Read("?.parquet", new FileReadOptions { FileColumn = "source" }).Select("source").As<string>().ToListAsync(s_token);

        Assert.Equal(["a.parquet", "a.parquet", "b.parquet"], files.Select(Path.GetFileName));
    }

    private readonly record struct Two(int I, int J);
}
