using System.Diagnostics;

namespace Gristmill.Data.Tests.Writing;

public sealed class WriteTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    private static Task<FlowResult> Write(DataFlow flow, string path, FileWriteOptions? options = null, CancellationToken cancellationToken = default) => Path.GetExtension(path) switch
    {
        ".parquet" => flow.WriteParquetAsync(path, options, cancellationToken),
        ".csv" or ".gz" => flow.WriteCsvAsync(path, options, cancellationToken),
        ".avro" => flow.WriteAvroAsync(path, options, cancellationToken),
        ".jsonl" => flow.WriteJsonLinesAsync(path, options, cancellationToken),
        _ => flow.WriteArrowAsync(path, options, cancellationToken),
    };

    [Theory]
    [InlineData("out.parquet")]
    [InlineData("out.csv")]
    [InlineData("out.csv.gz")]
    [InlineData("out.jsonl")]
    [InlineData("out.arrow")]
    [InlineData("out.avro")]
    public async Task What_is_written_is_read_again(string name)
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 50_000);
        var flow = fixture.Read("a.parquet").Map((Number n) => n).Where(n => n.I % 2 == 1);

        var result = await Write(flow, name, cancellationToken: s_token);

        Assert.Equal((25_000, fixture.File(name)), (result.Rows, result.Path));
        Assert.Equal(Enumerable.Range(0, 50_000).Where(i => i % 2 == 1).Select(i => new Number(i, i / 4.0, $"name {i % 100}")), await fixture.Read(name).As<Number>().ToListAsync(s_token));
        Assert.Equal(["a.parquet", name], Directory.EnumerateFileSystemEntries(fixture.Folder).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("out.parquet")]
    [InlineData("out.arrow")]
    [InlineData("out.avro")]
    public async Task What_is_there_is_replaced_only_if_asked_for(string name)
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 1000);
        await File.WriteAllTextAsync(fixture.File(name), "old", s_token);

        var error = await FlowFixture.FailAsync(() => Write(fixture.Read("a.parquet"), name, cancellationToken: s_token));
        Assert.Equal((ErrorCodes.Conflict, "old"), (error.Code, await File.ReadAllTextAsync(fixture.File(name), s_token)));

        await FlowFixture.FailAsync(() => Write(fixture.Read("a.parquet").Map((Number n) => 1 / (n.I - 500)), name, new FileWriteOptions { Overwrite = true }, s_token));
        Assert.Equal("old", await File.ReadAllTextAsync(fixture.File(name), s_token));

        await Write(fixture.Read("a.parquet"), name, new FileWriteOptions { Overwrite = true }, s_token);
        Assert.Equal(1000, await fixture.Read(name).CountAsync(s_token));
        Assert.Equal(2, Directory.EnumerateFileSystemEntries(fixture.Folder).Count());
    }

    [Fact]
    public async Task A_folder_is_parted_by_columns_as_a_whole()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 10_000);
        var flow = fixture.Read("a.parquet").Map((Number n) => new { n.I, Part = n.I % 3, Sign = n.I < 5000 ? "low" : "high" });

        var error = await FlowFixture.FailAsync(() => flow.WriteParquetAsync("parts", new FileWriteOptions { PartitionBy = ["Nowhere"] }, s_token));
        Assert.Equal((ErrorCodes.UnknownColumn, "Nowhere"), (error.Code, error.Error.Details["column"]));
        Assert.Single(Directory.EnumerateFileSystemEntries(fixture.Folder));

        await flow.WriteParquetAsync("parts", new FileWriteOptions { PartitionBy = ["Sign", "Part"] }, s_token);
        Assert.Equal(["Part=0", "Part=1", "Part=2"], Directory.EnumerateDirectories(fixture.File("parts/Sign=low")).Select(Path.GetFileName).Order());
        Assert.Equal(Enumerable.Range(0, 10_000).Where(i => i % 3 == 1 && i >= 5000),
            await fixture.Read("parts").Sql("select I from input where \"Part\" = 1 and \"Sign\" = 'high' order by I").As<int>().ToListAsync(s_token));

        Assert.Equal(ErrorCodes.Conflict, (await FlowFixture.FailAsync(() => flow.WriteParquetAsync("parts", new FileWriteOptions { PartitionBy = ["Part"] }, s_token))).Code);
        await flow.WriteParquetAsync("parts", new FileWriteOptions { PartitionBy = ["Part"], Overwrite = true }, s_token);
        Assert.Equal(["Part=0", "Part=1", "Part=2"], Directory.EnumerateDirectories(fixture.File("parts")).Select(Path.GetFileName).Order());
        Assert.Equal(2, Directory.EnumerateFileSystemEntries(fixture.Folder).Count());
    }

    [Theory]
    [InlineData("out.parquet")]
    [InlineData("out.csv")]
    [InlineData("out.arrow")]
    [InlineData("out.avro")]
    public async Task A_flow_that_is_cancelled_midway_leaves_nothing(string name)
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 500_000);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(s_token);
        var flow = fixture.Read("a.parquet").Map((Number n) =>
        {
            if (n.I == 300_000)
            {
                stop.Cancel();
            }

            return n;
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Write(flow, name, cancellationToken: stop.Token));

        Assert.Equal(["a.parquet"], Directory.EnumerateFileSystemEntries(fixture.Folder).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_query_that_is_cancelled_leaves_nothing()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 20_000);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(s_token);
        var flow = fixture.Read("a.parquet").Sql("select sum(sqrt(a.i * b.x)) as s from input a join input b on a.i <> b.i");
        var write = flow.WriteParquetAsync("out.parquet", cancellationToken: stop.Token);
        await Task.Yield();
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        Assert.Equal(["a.parquet"], Directory.EnumerateFileSystemEntries(fixture.Folder).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("out.parquet")]
    [InlineData("out.csv")]
    [InlineData("out.arrow")]
    [InlineData("out.avro")]
    public async Task A_full_disk_is_an_error_and_leaves_nothing(string name)
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 300_000);
        var small = Directory.CreateDirectory(fixture.File("small")).FullName;
        Assert.SkipUnless(OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small) == 0, "a tmpfs cannot be mounted by this user");
        try
        {
            var flow = fixture.Read("a.parquet").Map((Number n) => new { n.I, X = Math.Sin(n.X), Name = $"{n.Name} {n.I * 7919L}" });

            var error = await FlowFixture.FailAsync(() => Write(flow, Path.Combine("small", name), cancellationToken: s_token));

            Assert.Equal(ErrorCodes.StoreFull, error.Code);
            Assert.Empty(Directory.EnumerateFileSystemEntries(small));
        }
        finally
        {
            Run("umount", small);
        }
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
