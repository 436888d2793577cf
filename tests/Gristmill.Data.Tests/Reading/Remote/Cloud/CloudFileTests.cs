using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Gristmill.Data.Tests.Reading.Remote.Cloud;

public sealed partial class CloudFileTests(CloudServers servers) : IClassFixture<CloudServers>
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("s3", "parquet", "")]
    [InlineData("az", "parquet", "")]
    [InlineData("s3", "csv.gz", "(format csv, header, compression gzip)")]
    [InlineData("az", "csv", "(header)")]
    [InlineData("s3", "jsonl", "(format json)")]
    [InlineData("az", "arrow", null)]
    public async Task Each_format_is_fetched_read_and_removed(string scheme, string ending, string? options)
    {
        var server = servers[scheme];
        using var fixture = new FlowFixture();
        var folder = Folder();
        for (var i = 0; i < 3; i++)
        {
            var name = $"{i}.{ending}";
            if (options is null)
            {
                fixture.Numbers("x.parquet", 2000, i * 2000);
                await fixture.Read("x.parquet").WriteArrowAsync(name, cancellationToken: s_token);
            }
            else
            {
                fixture.Numbers(name, 2000, i * 2000, options);
            }

            await server.PutAsync($"{folder}/{name}", await File.ReadAllBytesAsync(fixture.File(name), s_token));
        }

        FlowProgress? last = null;
        var flow = DataFlow.Read($"{server.Root}{folder}/*.{ending}", Options(server)).With(fixture.Options with { MemoryLimit = 512 << 20, Progress = new Told(p => last = p) });

        Assert.Equal(Enumerable.Range(0, 6000).Select(i => new Number(i, i / 4.0, $"name {i % 100}")), await flow.As<Number>().ToListAsync(s_token));
        Assert.Equal(Enumerable.Range(0, 3).Sum(i => new FileInfo(fixture.File($"{i}.{ending}")).Length), last!.BytesTotal);
        Assert.Equal(3000, (await flow.Sql("select i, x, name from input where i % 2 = 1").As<Number>().ToListAsync(s_token)).Count);
        Assert.Empty(Directory.EnumerateDirectories(fixture.Folder, "*fetched*"));
    }

    [Theory]
    [InlineData("s3")]
    [InlineData("az")]
    public async Task Text_images_and_other_files_are_read_with_them(string scheme)
    {
        var server = servers[scheme];
        using var fixture = new FlowFixture();
        var folder = Folder();
        await server.PutAsync($"{folder}/a b+c%20é.txt", "one\ntwo\n"u8.ToArray());
        await server.PutAsync($"{folder}/empty.txt", []);
        await server.PutAsync($"{folder}/cats/1.png", [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 13, .. "IHDR"u8, 0, 0, 0, 2, 0, 0, 0, 3]);
        await File.WriteAllTextAsync(fixture.File("b.txt"), "three", s_token);
        var place = server.Root + folder;

        var lines = await DataFlow.Read([$"{place}/a b+c%20é.txt", "b.txt", $"{place}/empty.txt", $"{place}/*.txt"], Options(server)).With(fixture.Options).As<string>().ToListAsync(s_token);
        Assert.Equal(["one", "two", "three"], lines);

        var image = await DataFlow.Read($"{place}/cats/", Options(server) with { Format = FileFormat.Image }).With(fixture.Options)
            .Sql("select concat_ws('|', path, label, width, height) as line from input").As<string>().ToListAsync(s_token);
        Assert.Equal([$"{place}/cats/1.png|cats|2|3"], image);
    }

    [Theory]
    [InlineData("s3")]
    [InlineData("az")]
    public async Task Folders_and_patterns_find_what_they_find_on_disk(string scheme)
    {
        var server = servers[scheme];
        using var fixture = new FlowFixture();
        var folder = Folder();
        string[] names = ["t/a.csv", "t/b.csv", "t/c[1].csv", "t/_hidden.csv", "t/.dot.csv", "t/sub/c.csv", "t/sub/_temporary/d.csv", "t/sub/deep/e.csv", "t/notes.txt", "tb/z.csv", "t.csv/part-0.csv"];
        foreach (var name in names)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(fixture.File(name))!);
            await File.WriteAllTextAsync(fixture.File(name), "i\n1\n", s_token);
            await server.PutAsync($"{folder}/{name}", "i\n1\n"u8.ToArray());
        }

        await server.MarkAsync($"{folder}/t/empty.csv");
        foreach (var path in (string[])["t/*.csv", "t/?.csv", "t/[ab].csv", "t/[!a].csv", "t/**/*.csv", "t/*/*.csv", "t*/*.csv", "t/c[1].csv", "t/a.csv", "t", "t/", "t/sub", "t.csv", "**/e.csv"])
        {
            var options = Options(server) with { Format = FileFormat.Csv };
            var there = await NamesAsync(DataFlow.Read($"{server.Root}{folder}/{path}", options with { FileColumn = "source" }), server.Root + folder);
            var here = await NamesAsync(DataFlow.Read(path, options with { FileColumn = "source" }), fixture.Folder);
            Assert.True(here.SequenceEqual(there), $"{path}: {string.Join(", ", here)} on disk, {string.Join(", ", there)} there");
        }

        async Task<IReadOnlyList<string>> NamesAsync(DataFlow flow, string root) =>
            [.. (await flow.With(fixture.Options with { MemoryLimit = 512 << 20 }).Select("source").As<string>().ToListAsync(s_token)).Select(name => name[(root.Length + 1)..])];
    }

    [Fact]
    public async Task Listings_go_over_pages_up_to_their_bound()
    {
        var server = servers["s3"];
        using var fixture = new FlowFixture();
        var folder = Folder();
        await Parallel.ForEachAsync(Enumerable.Range(0, 1010), s_token, async (i, _) => await server.PutAsync($"{folder}/{i:0000}{(i % 1000 == 5 ? ".txt" : "")}", Encoding.ASCII.GetBytes($"{i}\n")));
        DataFlow Read(int most) => fixture.Read($"{server.Root}{folder}/*.txt", Options(server) with { Remote = Options(server).Remote with { MaxListed = most } });

        Assert.Equal(["5", "1005"], await Read(1010).As<string>().ToListAsync(s_token));
        var error = await FlowFixture.FailAsync(() => Read(1009).CountAsync(s_token));
        Assert.Equal((ErrorCodes.Invalid, $"{server.Root}{folder}/*.txt"), (error.Code, error.Error.Details["file"]));
        Assert.Contains("more than 1009 objects", error.Message);
    }

    [Theory]
    [InlineData("s3", "lake/none.csv", ErrorCodes.FileNotFound, "NoSuchKey")]
    [InlineData("az", "lake/none.csv", ErrorCodes.FileNotFound, "BlobNotFound")]
    [InlineData("s3", "lake/none-*.csv", ErrorCodes.FileNotFound, "matches no file")]
    [InlineData("az", "lake/none-*.csv", ErrorCodes.FileNotFound, "matches no file")]
    [InlineData("s3", "lake/none.csv/", ErrorCodes.FileNotFound, "is a folder without files to read")]
    [InlineData("s3", "nowhere/a.csv", ErrorCodes.FileNotFound, "NoSuchBucket")]
    [InlineData("az", "nowhere/a.csv", ErrorCodes.FileNotFound, "ContainerNotFound")]
    [InlineData("s3", "nowhere/*.csv", ErrorCodes.FileNotFound, "NoSuchBucket")]
    [InlineData("az", "nowhere/*.csv", ErrorCodes.FileNotFound, "ContainerNotFound")]
    public async Task What_is_not_there_is_named_and_may_be_left_out(string scheme, string path, string code, string message)
    {
        var server = servers[scheme];
        using var fixture = new FlowFixture();
        var folder = Folder();
        await server.PutAsync($"{folder}/a.csv", "i\n1\n"u8.ToArray());
        var name = $"{scheme}://{path}";

        var error = await FlowFixture.FailAsync(() => fixture.Read(name, Options(server)).CountAsync(s_token));
        Assert.Equal(code, error.Code);
        Assert.Equal(name.TrimEnd('/'), error.Error.Details["file"]);
        Assert.Contains(message, error.Message);

        FlowProgress? last = null;
        var flow = DataFlow.Read([name, $"{server.Root}{folder}/a.csv"], Options(server) with { OnUnreadable = UnreadableFiles.Skip }).With(fixture.Options with { Progress = new Told(p => last = p) });
        Assert.Equal(1, await flow.CountAsync(s_token));
        Assert.Equal([name], last!.SkippedFiles.Select(static file => file.Path));
    }

    [Theory]
    [InlineData("s3", "a.csv")]
    [InlineData("s3", "*.csv")]
    [InlineData("az", "a.csv")]
    [InlineData("az", "*.csv")]
    public async Task A_wrong_key_is_refused_and_shown_nowhere(string scheme, string path)
    {
        var server = servers[scheme];
        using var fixture = new FlowFixture();
        var text = server.Text(key: "hush");
        var flow = fixture.Read(server.Root + path, Options(CloudStorage.FromSecret("lake", new Secrets(() => text))));

        var error = await FlowFixture.FailAsync(() => flow.CountAsync(s_token));

        Assert.Equal((ErrorCodes.SourceUnavailable, server.Root + path), (error.Code, error.Error.Details["file"]));
        Assert.Contains("is refused (HTTP 403", error.Message);
        Assert.DoesNotContain("hush", error + flow.Explain() + flow.Node + Options(CloudStorage.FromString(text)).Remote);
        Assert.DoesNotContain("S3RVER", error.ToString());
    }

    [Theory]
    [InlineData("s3", 400, "ExpiredToken", "", ErrorCodes.SourceUnavailable, "the credentials have expired", 1)]
    [InlineData("s3", 403, "RequestTimeTooSkewed", "", ErrorCodes.SourceUnavailable, "clock is wrong", 1)]
    [InlineData("s3", 301, "PermanentRedirect", "x-amz-bucket-region: eu-west-1\r\n", ErrorCodes.SourceUnavailable, "in another region, eu-west-1", 1)]
    [InlineData("s3", 403, "AccessDenied", "", ErrorCodes.SourceUnavailable, "is refused (HTTP 403, AccessDenied)", 1)]
    [InlineData("s3", 503, "SlowDown", "", ErrorCodes.SourceUnavailable, "3 attempts ended with: HTTP 503, SlowDown", 3)]
    [InlineData("az", 403, "AuthorizationPermissionMismatch", "", ErrorCodes.SourceUnavailable, "is refused (HTTP 403, AuthorizationPermissionMismatch)", 1)]
    [InlineData("az", 409, "PublicAccessNotPermitted", "", ErrorCodes.SourceUnavailable, "is refused (HTTP 409, PublicAccessNotPermitted)", 1)]
    [InlineData("az", 503, "ServerBusy", "", ErrorCodes.SourceUnavailable, "3 attempts ended with: HTTP 503", 3)]
    public async Task What_a_service_refuses_is_told_in_its_word(string scheme, int status, string word, string header, string code, string message, int requests)
    {
        var server = servers[scheme];
        using var fixture = new FlowFixture();
        await using var proxy = new FaultyProxy(server.Port) { Instead = _ => server.Answer(status, word, header) };
        foreach (var path in (string[])["a.csv", "a-*.csv"])
        {
            proxy.Requests.Clear();
            var error = await FlowFixture.FailAsync(() => fixture.Read(server.Root + path, Options(server, proxy)).CountAsync(s_token));
            Assert.Equal((code, server.Root + path), (error.Code, error.Error.Details["file"]));
            Assert.Contains(message, error.Message);
            Assert.DoesNotContain("hush", error.ToString());
            Assert.Equal(requests, proxy.Requests.Count);
        }
    }

    [Theory]
    [InlineData("s3", "SlowDown")]
    [InlineData("az", "ServerBusy")]
    public async Task A_service_that_is_busy_is_asked_again_when_it_says(string scheme, string word)
    {
        var server = servers[scheme];
        using var fixture = new FlowFixture();
        var folder = Folder();
        await server.PutAsync($"{folder}/a.csv", "i\n1\n2\n"u8.ToArray());
        await using var proxy = new FaultyProxy(server.Port);
        var asked = 0;
        proxy.Instead = _ => Interlocked.Increment(ref asked) % 2 == 0 ? null : server.Answer(503, word, asked == 1 ? "Retry-After: 1\r\n" : "");
        var clock = Stopwatch.StartNew();

        Assert.Equal(3, await fixture.Read($"{server.Root}{folder}/*.csv", Options(server, proxy)).SumAsync("i", s_token));

        Assert.Equal(4, asked);
        Assert.InRange(clock.Elapsed.TotalSeconds, .9, 30);
    }

    [Theory]
    [InlineData("s3")]
    [InlineData("az")]
    public async Task A_file_goes_on_where_its_connection_broke_off(string scheme)
    {
        var server = servers[scheme];
        using var fixture = new FlowFixture();
        var folder = Folder();
        fixture.Numbers("a.csv", 40_000, options: "(header)");
        await server.PutAsync($"{folder}/a.csv", await File.ReadAllBytesAsync(fixture.File("a.csv"), s_token));
        await using var proxy = new FaultyProxy(server.Port);
        var cuts = 0;
        proxy.Cut = head => IsFetch(head) && Interlocked.Increment(ref cuts) <= 2 ? 200_000 : null;

        Assert.Equal(40_000L * 39_999 / 2, await fixture.Read($"{server.Root}{folder}/*.csv", Options(server, proxy)).SumAsync("i", s_token));

        var fetches = proxy.Requests.Where(IsFetch).ToList();
        Assert.Equal(3, fetches.Count);
        Assert.DoesNotContain("range: bytes=", fetches[0], StringComparison.OrdinalIgnoreCase);
        Assert.All(fetches.Skip(1), static head => Assert.Matches("(?i)range: bytes=[1-9]", head));
        Assert.All(fetches, static head => Assert.Matches("(?i)if-match: \"", head));
    }

    [Theory]
    [InlineData("s3", true)]
    [InlineData("az", true)]
    [InlineData("s3", false)]
    [InlineData("az", false)]
    public async Task A_file_that_changes_while_it_is_read_is_an_error(string scheme, bool midway)
    {
        var server = servers[scheme];
        using var fixture = new FlowFixture();
        var path = $"{Folder()}/a.csv";
        byte[] Content(int value) => Encoding.ASCII.GetBytes("i\n" + string.Concat(Enumerable.Repeat($"{value}\n", 200_000)));
        await server.PutAsync(path, Content(1));
        await using var proxy = new FaultyProxy(server.Port);
        // The new content is as long as the old.
        if (midway)
        {
            proxy.Cut = head => IsFetch(head) && proxy.Requests.Count(IsFetch) == 1 ? 100_000 : null;
            proxy.Broken = () => server.PutAsync(path, Content(2));
        }
        else
        {
            proxy.Before = (head, _) => IsFetch(head) ? server.PutAsync(path, Content(2)) : Task.CompletedTask;
        }

        var error = await FlowFixture.FailAsync(() => fixture.Read(server.Root + path, Options(server, proxy)).SumAsync("i", s_token));

        Assert.Equal((ErrorCodes.SourceChanged, server.Root + path), (error.Code, error.Error.Details["file"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Folder));
    }

    [Theory]
    [InlineData("s3", "a.csv")]
    [InlineData("az", "a.csv")]
    [InlineData("s3", "*.csv")]
    [InlineData("az", "*.csv")]
    public async Task A_service_that_stalls_is_given_up_and_a_flow_that_waits_can_be_cancelled(string scheme, string path)
    {
        var server = servers[scheme];
        using var fixture = new FlowFixture();
        await using var proxy = new FaultyProxy(server.Port) { Before = static (_, end) => Task.Delay(Timeout.Infinite, end) };
        var options = Options(server, proxy);

        var error = await FlowFixture.FailAsync(() => fixture.Read(server.Root + path, options with { Remote = options.Remote with { Timeout = TimeSpan.FromMilliseconds(200), Attempts = 2 } }).CountAsync(s_token));
        Assert.Equal(ErrorCodes.SourceUnavailable, error.Code);
        Assert.Contains("2 attempts ended with: nothing came for 0.2 s", error.Message);

        using var end = CancellationTokenSource.CreateLinkedTokenSource(s_token);
        proxy.Before = (_, closing) =>
        {
            end.Cancel();
            return Task.Delay(Timeout.Infinite, closing);
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Read(server.Root + path, options).CountAsync(end.Token));
    }

    [Fact]
    public async Task An_empty_object_has_no_first_byte_to_ask_for()
    {
        var server = servers["s3"];
        using var fixture = new FlowFixture();
        var path = $"{Folder()}/a.txt";
        await server.PutAsync(path, []);
        // As Amazon answers; s3rver does not.
        await using var proxy = new FaultyProxy(server.Port) { Instead = head => IsFetch(head) || !head.Contains("range: bytes=0-0", StringComparison.OrdinalIgnoreCase) ? null : server.Answer(416, "InvalidRange") };
        Assert.Equal(0, await fixture.Read(server.Root + path, Options(server, proxy)).CountAsync(s_token));
        Assert.Equal(2, proxy.Requests.Count);
    }

    [Theory]
    [InlineData("s3")]
    [InlineData("az")]
    public async Task A_service_that_is_not_reached_is_named(string scheme)
    {
        using var fixture = new FlowFixture();
        var server = servers[scheme];
        var error = await FlowFixture.FailAsync(() => fixture.Read($"{server.Root}a.csv", Options(CloudStorage.FromString(server.Text(1)))).CountAsync(s_token));
        Assert.Equal((ErrorCodes.SourceUnavailable, $"{server.Root}a.csv"), (error.Code, error.Error.Details["file"]));
        Assert.Contains("3 attempts", error.Message);
    }

    [Fact]
    public async Task Credentials_that_are_replaced_are_used_for_what_is_read_then()
    {
        var server = servers["s3"];
        using var fixture = new FlowFixture();
        var folder = Folder();
        await server.PutAsync($"{folder}/a.csv", "i\n1\n"u8.ToArray());
        await server.PutAsync($"{folder}/b.csv", "i\n2\n"u8.ToArray());
        await using var proxy = new FaultyProxy(server.Port);
        var text = server.Text(proxy.Port) + ";SessionToken=one==";
        proxy.Before = (head, _) =>
        {
            text = IsFetch(head) ? server.Text(proxy.Port) + ";SessionToken=two==" : text;
            return Task.CompletedTask;
        };

        var options = Options(CloudStorage.FromSecret("lake", new Secrets(() => text)));
        Assert.Equal(3, await fixture.Read($"{server.Root}{folder}/*.csv", options with { Remote = options.Remote with { Connections = 1 } }).SumAsync("i", s_token));

        Assert.Equal(["one==", "one==", "two=="], proxy.Requests.Select(static head => Token().Match(head).Groups["token"].Value));
    }

    [Fact]
    public async Task Azure_takes_signatures_and_paths_that_name_the_account()
    {
        var server = (BlobServer)servers["az"];
        using var fixture = new FlowFixture();
        var folder = Folder();
        await server.PutAsync($"{folder}/a.csv", "i\n1\n2\n"u8.ToArray());
        var signed = $"BlobEndpoint=http://127.0.0.1:{server.Port}/{BlobServer.Account};SharedAccessSignature={server.Signature()}";
        var named = $"abfss://{CloudServer.Container}@{BlobServer.Account}.dfs.core.windows.net/{folder}/*.csv";

        Assert.Equal(3, await fixture.Read($"{server.Root}{folder}/a.csv", Options(CloudStorage.FromString(signed))).SumAsync("i", s_token));
        Assert.Equal(3, await fixture.Read(named, Options(server)).SumAsync("i", s_token));

        var other = await FlowFixture.FailAsync(() => fixture.Read(named.Replace(BlobServer.Account, "elsewhere", StringComparison.Ordinal), Options(server)).CountAsync(s_token));
        Assert.Equal(ErrorCodes.Invalid, other.Code);
        Assert.Contains("another storage account", other.Message);
        var unsaid = await FlowFixture.FailAsync(() => fixture.Read($"{server.Root}a.csv", Options(CloudStorage.FromString(server.Signature()))).CountAsync(s_token));
        Assert.Equal(ErrorCodes.Invalid, unsaid.Code);
        Assert.Contains("which storage account", unsaid.Message);
        Assert.DoesNotContain("sig=", unsaid.ToString());
    }

    [Fact]
    public async Task The_environment_is_asked_where_nothing_else_is_said()
    {
        using var fixture = new FlowFixture();
        foreach (var scheme in (string[])["s3", "az"])
        {
            var server = servers[scheme];
            var path = $"{Folder()}/a.csv";
            await server.PutAsync(path, "i\n1\n2\n"u8.ToArray());
            var text = server.Text();
            Dictionary<string, string> said = scheme == "az"
                ? new() { ["AZURE_STORAGE_CONNECTION_STRING"] = text }
                : new() { ["AWS_ACCESS_KEY_ID"] = "S3RVER", ["AWS_SECRET_ACCESS_KEY"] = "S3RVER", ["AWS_REGION"] = "us-east-1", ["AWS_ENDPOINT_URL_S3"] = $"http://127.0.0.1:{server.Port}" };
            try
            {
                foreach (var (name, value) in said)
                {
                    Environment.SetEnvironmentVariable(name, value);
                }

                Assert.Equal(3, await fixture.Read(server.Root + path).SumAsync("i", s_token));
            }
            finally
            {
                foreach (var name in said.Keys)
                {
                    Environment.SetEnvironmentVariable(name, null);
                }
            }
        }
    }

    [Theory]
    [InlineData("s3://lake/a.csv", "hush")]
    [InlineData("s3://lake/a.csv", "AccessKeyId=hush")]
    [InlineData("s3://lake/a.csv", "AccessKeyId=a;SecretAccessKey=hush;Hush=1")]
    [InlineData("s3://lake/a.csv", "AccessKeyId=a;SecretAccessKey=hush;Region=a.hush")]
    [InlineData("s3://lake/a.csv", "AccessKeyId=a;SecretAccessKey=hush;Endpoint=hush")]
    [InlineData("s3://lake/a.csv", "SessionToken=hush;Region=eu-central-1")]
    [InlineData("az://lake/a.csv", "hush")]
    [InlineData("az://lake/a.csv", "AccountName=hush;AccountKey=hush!")]
    [InlineData("az://lake/a.csv", "AccessKeyId=a;SecretAccessKey=hush")]
    public async Task Texts_that_are_wrong_are_not_repeated(string path, string text)
    {
        using var fixture = new FlowFixture();
        var error = await FlowFixture.FailAsync(() => fixture.Read(path, Options(CloudStorage.FromSecret("lake", new Secrets(() => text)))).CountAsync(s_token));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains("secret 'lake'", error.Message);
        Assert.DoesNotContain("hush", error.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("s3://hush:hush@lake/a.csv")]
    [InlineData("s3:///hush.csv")]
    [InlineData("az://lake/a.csv?sv=1&sig=hush")]
    [InlineData("s3://lake/a.csv?X-Amz-Signature=hush")]
    [InlineData("abfss://lake/hush.csv")]
    [InlineData("abfss://lake@account.blob.core.windows.net/hush.csv")]
    public async Task Addresses_that_are_malformed_are_not_repeated(string path)
    {
        using var fixture = new FlowFixture();
        var flow = fixture.Read(path, new FileReadOptions { Format = FileFormat.Csv });
        var error = await FlowFixture.FailAsync(() => flow.CountAsync(s_token));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.DoesNotContain("hush", error + flow.Explain());
    }

    [Fact]
    public async Task What_is_missing_or_unsaid_is_named()
    {
        using var fixture = new FlowFixture();
        var missing = await FlowFixture.FailAsync(() => fixture.Read("s3://lake/a.csv", Options(CloudStorage.FromSecret("lake", new Secrets(static () => null)))).CountAsync(s_token));
        Assert.Equal(ErrorCodes.SecretMissing, missing.Code);
        Assert.Contains("does not say", (await FlowFixture.FailAsync(() => fixture.Read("s3://lake/folder/").CountAsync(s_token))).Message);
        Assert.Contains("which storage account", (await FlowFixture.FailAsync(() => fixture.Read("az://lake/a.csv", Options(CloudStorage.Anonymous)).CountAsync(s_token))).Message);
        Assert.Contains("MaxListed is 0", (await FlowFixture.FailAsync(() => fixture.Read("s3://lake/a.csv", new FileReadOptions { Remote = new RemoteReadOptions { MaxListed = 0 } }).CountAsync(s_token))).Message);
        Assert.Equal(ErrorCodes.Invalid, (await FlowFixture.FailAsync(() => fixture.Read("a.csv").WriteCsvAsync("s3://lake/a.csv", cancellationToken: s_token))).Code);
        Assert.DoesNotContain("hush", Assert.Throws<GristmillException>(static () => CloudStorage.FromSecret("AccessKeyId=hush")).ToString());
    }

    [GeneratedRegex("(?i)x-amz-security-token: (?<token>[^\r]*)", RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    private static bool IsFetch(string head) => head.Contains("if-match: ", StringComparison.OrdinalIgnoreCase);

    private static string Folder() => $"t-{Guid.NewGuid():N}";

    private static FileReadOptions Options(CloudServer server, FaultyProxy? proxy = null) => Options(CloudStorage.FromString(server.Text(proxy?.Port)));

    private static FileReadOptions Options(CloudStorage storage) => new() { Remote = new RemoteReadOptions { Storage = storage, RetryDelay = TimeSpan.Zero, Attempts = 3 } };

    private sealed class Secrets(Func<string?> value) : ISecretStore
    {
        public ValueTask<string?> FindAsync(string name, CancellationToken cancellationToken) => ValueTask.FromResult(value());
    }
}
