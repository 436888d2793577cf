using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Gristmill.Engines.Sql.Reading;

namespace Gristmill.Data.Tests.Reading.Remote;

public sealed class RemoteFileTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;
    private static readonly FileReadOptions s_quick = new() { Remote = new RemoteReadOptions { RetryDelay = TimeSpan.Zero, Attempts = 3 } };

    [Theory]
    [InlineData("a.parquet", "")]
    [InlineData("a.csv", "(header)")]
    [InlineData("a.csv.gz", "(format csv, header, compression gzip)")]
    [InlineData("a.jsonl", "(format json)")]
    [InlineData("a.arrow", null)]
    public async Task Each_format_is_fetched_read_and_removed(string name, string? options)
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        for (var i = 0; i < 3; i++)
        {
            if (options is null)
            {
                fixture.Numbers("x.parquet", 2000, i * 2000);
                await fixture.Read("x.parquet").WriteArrowAsync(name, cancellationToken: s_token);
            }
            else
            {
                fixture.Numbers(name, 2000, i * 2000, options);
            }

            server.Files[$"/{i}/{name}"] = await TakeAsync(fixture, name);
        }

        FlowProgress? last = null;
        var flow = DataFlow.Read(Enumerable.Range(0, 3).Select(i => server.Address($"/{i}/{name}?signature=hush"))).With(fixture.Options with { MemoryLimit = 512 << 20, Progress = new Told(p => last = p) });

        var expected = Enumerable.Range(0, 6000).Select(i => new Number(i, i / 4.0, $"name {i % 100}"));
        Assert.Equal(expected, await flow.As<Number>().ToListAsync(s_token));
        Assert.Equal(server.Files.Values.Sum(static file => file.Length), last!.BytesTotal);
        Assert.All(server.Requests, static request => Assert.EndsWith("?signature=hush", request.Target));
        Assert.Equal(3000, (await flow.Sql("select i, x, name from input where i % 2 = 1").As<Number>().ToListAsync(s_token)).Count);
        Assert.Equal(["i", "x", "name"], (await flow.GetSchemaAsync(s_token)).FieldsList.Select(static field => field.Name));
        Assert.Empty(Directory.EnumerateDirectories(fixture.Folder, "*fetched*"));
    }

    [Fact]
    public async Task Text_and_files_on_disk_are_read_with_them()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        server.Files["/a.txt"] = "one\ntwo\n"u8.ToArray();
        server.Files["/empty.txt"] = [];
        await File.WriteAllTextAsync(fixture.File("b.txt"), "three", s_token);

        var lines = await DataFlow.Read([server.Address("/a.txt"), "b.txt", server.Address("/empty.txt"), server.Address("/a.txt")]).With(fixture.Options).As<string>().ToListAsync(s_token);

        Assert.Equal(["one", "two", "three", "one", "two"], lines);
        Assert.Equal("three", await File.ReadAllTextAsync(fixture.File("b.txt"), s_token));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_file_goes_on_where_its_connection_broke_off(bool ranges, bool tagged)
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer { Ranges = ranges, Tag = _ => tagged ? "\"a\"" : null };
        fixture.Numbers("a.csv", 20_000, options: "(header)");
        server.Files["/a.csv"] = await TakeAsync(fixture, "a.csv");
        var cuts = 0;
        server.Cut = request => request.Header("range") != "bytes=0-0" && Interlocked.Increment(ref cuts) <= 2 ? 100_000 : null;

        Assert.Equal(20_000L * 19_999 / 2, await fixture.Read(server.Address("/a.csv"), s_quick).SumAsync("i", s_token));

        var expected = !ranges || !tagged ? [null, null, null] : new[] { null, "bytes=100000-", "bytes=200000-" };
        Assert.Equal(tagged ? [null, "bytes=100000-", ranges ? "bytes=200000-" : "bytes=100000-"] : expected, server.Fetches.Select(static request => request.Header("range")));
        Assert.Equal(tagged ? [null, "\"a\"", "\"a\""] : [null, null, null], server.Fetches.Select(static request => request.Header("if-range")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_that_changes_while_it_is_read_is_an_error(bool midway)
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        server.Files["/a.csv"] = Encoding.ASCII.GetBytes("i\n" + string.Concat(Enumerable.Repeat("1\n", 50_000)));
        // The new content is as long as the old: only its tag tells.
        server.Tag = _ => server.Fetches.Count() >= (midway ? 2 : 1) ? "\"new\"" : "\"old\"";
        server.Cut = request => request.Header("range") is null ? 60_000 : null;

        var error = await FlowFixture.FailAsync(() => fixture.Read(server.Address("/a.csv"), s_quick).SumAsync("i", s_token));

        Assert.Equal((ErrorCodes.SourceChanged, server.Address("/a.csv")), (error.Code, error.Error.Details["file"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Folder));
    }

    [Theory]
    [InlineData("404 Not Found", ErrorCodes.FileNotFound, "does not exist on its server (HTTP 404)", 1)]
    [InlineData("401 Unauthorized", ErrorCodes.SourceUnavailable, "is refused by its server (HTTP 401)", 1)]
    [InlineData("403 Forbidden", ErrorCodes.SourceUnavailable, "is refused by its server (HTTP 403)", 1)]
    [InlineData("400 Bad Request", ErrorCodes.SourceUnavailable, "is refused by its server (HTTP 400)", 1)]
    [InlineData("503 Service Unavailable", ErrorCodes.SourceUnavailable, "3 attempts ended with: HTTP 503", 3)]
    [InlineData("301 Moved Permanently", ErrorCodes.SourceUnavailable, "redirect that is not followed (HTTP 301)", 1)]
    [InlineData("200 OK\r\nContent-Encoding: gzip", ErrorCodes.SourceUnavailable, "packed by its server", 1)]
    public async Task What_a_server_refuses_is_named_without_secrets(string status, string code, string message, int requests)
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer { Instead = _ => status };
        var flow = fixture.Read($"http://me:secret@{server.Host}/a.csv?sig=secret#secret", s_quick);

        var error = await FlowFixture.FailAsync(() => flow.CountAsync(s_token));

        Assert.Equal((code, server.Address("/a.csv?...")), (error.Code, error.Error.Details["file"]));
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain("secret", error + flow.Explain() + string.Concat(error.Error.Details.Values));
        Assert.Equal(requests, server.Requests.Count);
        Assert.All(server.Requests, static request => Assert.Equal("Basic " + Convert.ToBase64String("me:secret"u8), request.Header("authorization")));
    }

    [Fact]
    public async Task A_server_that_cannot_be_trusted_or_reached_is_named()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        using var key = ECDsa.Create();
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        server.Certificate = certificate;

        var untrusted = await FlowFixture.FailAsync(() => fixture.Read($"https://{server.Host}/a.csv", s_quick).CountAsync(s_token));
        Assert.Equal(ErrorCodes.SourceUnavailable, untrusted.Code);
        Assert.Contains("no connection that can be trusted", untrusted.Message);

        await server.DisposeAsync();
        var gone = await FlowFixture.FailAsync(() => fixture.Read(server.Address("/a.csv"), s_quick).CountAsync(s_token));
        Assert.Equal(ErrorCodes.SourceUnavailable, gone.Code);
        Assert.Contains("3 attempts", gone.Message);
    }

    [Fact]
    public async Task A_redirect_is_followed_without_the_password()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        server.Files["/b"] = "i\n1\n2\n"u8.ToArray();
        server.Instead = request => request.Path == "/a.csv" ? "302 Found\r\nLocation: /b?token=hush" : null;

        Assert.Equal(3, await fixture.Read($"http://me:secret@{server.Host}/a.csv").SumAsync("i", s_token));

        Assert.All(server.Requests.Where(static request => request.Path == "/b"), static request => Assert.Null(request.Header("authorization")));
    }

    [Fact]
    public async Task Answers_of_overloaded_servers_are_waited_out()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        server.Files["/a.csv"] = "i\n1\n2\n"u8.ToArray();
        var asked = 0;
        server.Instead = _ => Interlocked.Increment(ref asked) % 3 == 0 ? null : "429 Too Many Requests";

        Assert.Equal(3, await fixture.Read(server.Address("/a.csv"), s_quick).SumAsync("i", s_token));
        Assert.Equal(6, asked);
    }

    [Fact]
    public async Task A_server_that_stalls_is_given_up_and_a_flow_that_waits_can_be_cancelled()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer { Before = static (_, end) => Task.Delay(Timeout.Infinite, end) };
        var impatient = new FileReadOptions { Remote = new RemoteReadOptions { RetryDelay = TimeSpan.Zero, Attempts = 2, Timeout = TimeSpan.FromMilliseconds(50) } };

        var error = await FlowFixture.FailAsync(() => fixture.Read(server.Address("/a.csv"), impatient).CountAsync(s_token));
        Assert.Equal(ErrorCodes.SourceUnavailable, error.Code);
        Assert.Contains("nothing came for 0.05 s", error.Message);

        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(s_token);
        server.Files["/a.csv"] = "i\n1\n"u8.ToArray();
        server.Before = (request, end) => request.Header("range") == "bytes=0-0" ? Task.CompletedTask : Task.WhenAll(cancel.CancelAsync(), Task.Delay(Timeout.Infinite, end));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Read(server.Address("/a.csv")).CountAsync(cancel.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Folder));
    }

    [Fact]
    public async Task What_cannot_be_fetched_or_read_is_left_out()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        server.Files["/0.parquet"] = "none"u8.ToArray();
        fixture.Numbers("a.parquet", 100);
        server.Files["/1.parquet"] = server.Files["/3.parquet"] = await TakeAsync(fixture, "a.parquet");
        FlowProgress? last = null;
        var flow = DataFlow.Read(Enumerable.Range(0, 5).Select(i => server.Address($"/{i}.parquet?sig=hush")), s_quick with { OnUnreadable = UnreadableFiles.Skip, FileColumn = "source" })
            .With(fixture.Options with { Progress = new Told(p => last = p) });

        var sources = await flow.Sql("select distinct source from input order by source").As<string>().ToListAsync(s_token);

        Assert.Equal([server.Address("/1.parquet?..."), server.Address("/3.parquet?...")], sources);
        Assert.Equal([0, 2, 4], last!.SkippedFiles.Select(file => int.Parse(new Uri(file.Path).AbsolutePath[1..2], null)));
        Assert.DoesNotContain(last.SkippedFiles, static file => file.Reason.Contains("fetched-", StringComparison.Ordinal) || file.Reason.Contains("hush", StringComparison.Ordinal));
        Assert.Equal(ErrorCodes.FileFormat, (await FlowFixture.FailAsync(() => fixture.Read(server.Address("/0.parquet")).CountAsync(s_token))).Code);
    }

    [Fact]
    public async Task Files_are_fetched_ahead_as_far_as_the_bound_lets()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        fixture.Numbers("a.parquet", 1000);
        var file = await TakeAsync(fixture, "a.parquet");
        var addresses = Enumerable.Range(0, 6).Select(i => $"/{i}.parquet").ToList();
        addresses.ForEach(path => server.Files[path] = file);
        IEnumerable<string> Fetched() => Directory.EnumerateFiles(Assert.Single(Directory.EnumerateDirectories(fixture.Folder, "gristmill-fetched-*")));
        DataFlow Flow(long ahead) => DataFlow.Read(addresses.Select(server.Address), new FileReadOptions { Remote = new RemoteReadOptions { BytesAhead = ahead } }).With(fixture.Options);

        // No room: a file is fetched once the one before it is gone.
        var blocks = 0;
        await Flow(file.Length).ForEachBlockAsync(_ => { blocks++; Assert.Single(Fetched()); }, s_token);
        Assert.Equal(6, blocks);

        // Room for three: while the first is read the next two come, and no more.
        var three = new TaskCompletionSource();
        server.Requests.Clear();
        server.Before = (request, _) =>
        {
            if (request.Path == addresses[2] && request.Header("range") is null)
            {
                three.TrySetResult();
            }

            return Task.CompletedTask;
        };
        blocks = 0;
        await Flow(file.Length * 3).ForEachBlockAsync(
            _ =>
            {
                if (blocks++ == 0)
                {
                    three.Task.Wait(s_token);
                }

                Assert.InRange(Fetched().Count(), 1, 3);
            }, s_token);
        Assert.Equal(6, blocks);
    }

    [Fact]
    public async Task Columns_keep_the_types_of_the_first_file_or_the_change_is_named()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        server.Files["/a.csv"] = "id,x\n007,1.5\nA8,2.5\n"u8.ToArray();
        server.Files["/b.csv"] = "id,x\n009,3\n"u8.ToArray();
        server.Files["/c.csv"] = "id,y\n009,3\n"u8.ToArray();
        server.Files["/a.jsonl"] = "{\"a\": 1, \"b\": \"x\"}\n"u8.ToArray();
        server.Files["/b.jsonl"] = "{\"a\": 2}\n"u8.ToArray();
        DataFlow Read(params string[] paths) => DataFlow.Read(paths.Select(server.Address), s_quick).With(fixture.Options with { MemoryLimit = 512 << 20 });

        Assert.Equal(["007", "A8", "009"], await Read("/a.csv", "/b.csv").Select("id").As<string>().ToListAsync(s_token));
        Assert.Equal(["x", ""], await Read("/a.jsonl", "/b.jsonl").Sql("select coalesce(b, '') as b from input").As<string>().ToListAsync(s_token));
        var other = await FlowFixture.FailAsync(() => Read("/a.csv", "/c.csv").CountAsync(s_token));
        Assert.Contains(server.Address("/c.csv"), other.Message);
        Assert.Contains("x", other.Message);
    }

    [Fact]
    public async Task Bad_rows_name_the_address()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        server.Files["/a.csv"] = "i\n1\nx\n"u8.ToArray();
        server.Files["/b.csv"] = "i\n2\n3\ny\n"u8.ToArray();
        var options = s_quick with { Types = new Dictionary<string, string> { ["i"] = "INTEGER" }, Header = true };
        FlowProgress? last = null;
        DataFlow Flow(FileReadOptions with) => DataFlow.Read([server.Address("/a.csv"), server.Address("/b.csv")], with).With(fixture.Options with { MemoryLimit = 512 << 20, Progress = new Told(p => last = p) });

        var error = await FlowFixture.FailAsync(() => Flow(options).SumAsync("i", s_token));
        Assert.Equal((server.Address("/a.csv"), "3"), (error.Error.Details["file"], error.Error.Details["line"]));

        Assert.Equal(6, await Flow(options with { OnBadRows = BadRows.Quarantine, Quarantine = "bad.jsonl" }).SumAsync("i", s_token));
        Assert.Equal(2, last!.BadRows);
        Assert.Equal([server.Address("/a.csv"), server.Address("/b.csv")], await fixture.Read("bad.jsonl").Sql("select file from input").As<string>().ToListAsync(s_token));
    }

    [Theory]
    [InlineData("/a.csv")]
    [InlineData("/a.png")]
    public async Task Sizes_are_told_before_a_file_is_here(string path)
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        server.Files[path] = path == "/a.csv" ? "i\n1\n2\n"u8.ToArray() : [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 13, .. "IHDR"u8, 0, 0, 0, 1, 0, 0, 0, 1];
        var told = new TaskCompletionSource<FlowProgress>(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Before = (request, _) => request.Header("range") == "bytes=0-0" ? Task.CompletedTask : told.Task.WaitAsync(TimeSpan.FromSeconds(20), s_token);
        var flow = fixture.Read(server.Address(path), s_quick with { Remote = s_quick.Remote with { Attempts = 1 } });
        Assert.StartsWith($"file by file: read {server.Address(path)}", flow.Explain());

        await flow.With(fixture.Options with
        {
            Progress = new Told(p =>
            {
                if (p.BytesTotal is not null)
                {
                    told.TrySetResult(p);
                }
            }),
        }).CountAsync(s_token);

        var first = await told.Task;
        Assert.Equal((server.Files[path].Length, 0d, false), (first.BytesTotal, first.Fraction, first.Completed));
    }

    [Fact]
    public async Task Lengths_that_are_not_said_are_no_hindrance()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer { SaysLength = false, Ranges = false };
        server.Files["/a.csv"] = server.Files["/b.csv"] = "i\n1\n2\n"u8.ToArray();

        Assert.Equal(6, await DataFlow.Read([server.Address("/a.csv"), server.Address("/b.csv")]).With(fixture.Options).SumAsync("i", s_token));
    }

    [Fact]
    public async Task Options_and_addresses_that_are_wrong_are_named()
    {
        using var fixture = new FlowFixture();
        var options = new FileReadOptions { Remote = new RemoteReadOptions { Attempts = 0, Connections = 65, BytesAhead = -1, Timeout = TimeSpan.Zero, RetryDelay = TimeSpan.FromMinutes(1) } };
        var error = await FlowFixture.FailAsync(() => fixture.Read("http://127.0.0.1:1/a.csv", options).CountAsync(s_token));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.All(["BytesAhead is -1", "Connections is 65", "Attempts is 0", "Timeout is", "RetryDelay is"], name => Assert.Contains(name, error.Message));

        Assert.DoesNotContain("secret", (await FlowFixture.FailAsync(() => fixture.Read("http://me:secret@/a.csv").CountAsync(s_token))).Message);
        Assert.Contains("does not say", (await FlowFixture.FailAsync(() => fixture.Read("http://127.0.0.1:1/a?x=.csv").CountAsync(s_token))).Message);
        Assert.Equal(ErrorCodes.Invalid, (await FlowFixture.FailAsync(() => fixture.Read("http://127.0.0.1:1/a.csv", new FileReadOptions { UnionByName = true }).CountAsync(s_token))).Code);
        Assert.Equal(ErrorCodes.Invalid, (await FlowFixture.FailAsync(() => fixture.Read("a.csv").WriteCsvAsync("https://host/a.csv", cancellationToken: s_token))).Code);
    }

    private static async Task<byte[]> TakeAsync(FlowFixture fixture, string name)
    {
        var bytes = await File.ReadAllBytesAsync(fixture.File(name), s_token);
        File.Delete(fixture.File(name));
        return bytes;
    }
}
