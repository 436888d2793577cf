using System.Net;
using System.Net.Sockets;
using Gristmill.Grains.Testing;

namespace Gristmill.Grains.Triggers;

public sealed class ObjectWatchTests : IAsyncLifetime
{
    private readonly ObjectServer _server = new();
    private readonly ObjectWatch _watch = new(TimeSpan.FromMinutes(1));

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _watch.Dispose();
        await _server.DisposeAsync();
    }

    private Task<SeenObject?> LookAsync(string? secret = null, string? url = null) => LookAsync(_watch, secret, url ?? _server.Url);

    private static Task<SeenObject?> LookAsync(ObjectWatch watch, string? secret, string url) =>
        watch.LookAsync(new ObjectArrival { Url = url, Secret = secret is null ? null : "name" }, secret, TestContext.Current.CancellationToken);

    private static async Task<GristmillException> UnseenAsync(Task<SeenObject?> look, string names)
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => look);
        Assert.Equal(ErrorCodes.ObjectUnseen, error.Code);
        Assert.Contains(names, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Error.Hint);
        return error;
    }

    [Fact]
    public async Task A_head_tells_tag_size_and_time()
    {
        _server.Put("v1", bytes: 1L << 40);

        var seen = await LookAsync();

        Assert.Equal(new SeenObject(_server.Url, "v1", 1L << 40, new DateTimeOffset(2025, 1, 1, 10, 20, 30, TimeSpan.Zero)), seen);
        Assert.Equal($"object:{_server.Url}@v1", seen!.FiringId());
        Assert.Equal($"object:{_server.Url}@v1#7", seen.FiringId(7));
        var request = Assert.Single(_server.Requests);
        Assert.Equal(("HEAD", "/bucket/in.csv"), (request.Method, request.Target));
        Assert.DoesNotContain("Authorization", request.Headers.Keys);
    }

    [Theory]
    [InlineData("\"a\"", "a")]
    [InlineData("W/\"a\"", "a")]
    [InlineData("a", "a")]
    [InlineData("\"\"", null)]
    public async Task A_tag_is_the_same_weak_strong_or_bare(string header, string? tag)
    {
        _server.Answer = _ => $"200 OK\r\nETag: {header}\r\nLast-Modified: Wed, 01 Jan 2025 10:20:30 GMT";

        var seen = await LookAsync();

        Assert.Equal((tag, (long?)null), (seen!.ETag, seen.Bytes));
    }

    [Fact]
    public async Task Without_a_tag_time_and_size_tell_versions_apart()
    {
        async Task<string> VersionAsync(string time, int bytes)
        {
            _server.Answer = _ => $"200 OK\r\nLast-Modified: {time}\r\nContent-Length: {bytes}";
            return (await LookAsync())!.Version;
        }

        var first = await VersionAsync("Wed, 01 Jan 2025 10:20:30 GMT", 5);
        Assert.Equal(first, await VersionAsync("Wed, 01 Jan 2025 10:20:30 GMT", 5));
        Assert.NotEqual(first, await VersionAsync("Wed, 01 Jan 2025 10:20:31 GMT", 5));
        Assert.NotEqual(first, await VersionAsync("Wed, 01 Jan 2025 10:20:30 GMT", 6));
        _server.Answer = _ => "200 OK\r\nContent-Length: 5";
        await UnseenAsync(LookAsync(), "ETag");
    }

    [Theory]
    [InlineData(405, "206 Partial Content\r\nContent-Range: bytes 0-0/1234\r\nContent-Length: 1", 1234L)]
    [InlineData(501, "200 OK\r\nContent-Length: 1099511627776", 1L << 40)]
    [InlineData(405, "416 Range Not Satisfiable\r\nContent-Range: bytes */0\r\nContent-Length: 0", 0L)]
    public async Task Where_head_is_not_known_a_byte_is_asked_for_and_not_read(int head, string get, long bytes)
    {
        // The body that the answer promises never comes: whoever reads it waits for ever.
        _server.Answer = request => request.Method == "HEAD" ? $"{head} No" : $"{get}\r\nETag: \"v1\"";

        var seen = await LookAsync("Bearer t");

        Assert.Equal(("v1", (long?)bytes), (seen!.ETag, seen.Bytes));
        Assert.Equal(["HEAD", "GET"], _server.Requests.Select(request => request.Method));
        Assert.Equal("bytes=0-0", _server.Requests.Last().Headers["Range"]);
        Assert.Equal("Bearer t", _server.Requests.Last().Headers["Authorization"]);
    }

    [Theory]
    [InlineData("Bearer abc==", "/bucket/in.csv", "Bearer abc==")]
    [InlineData("token\n", "/bucket/in.csv", "token")]
    [InlineData("?sv=1&sig=a%2Bb%3D", "/bucket/in.csv?sv=1&sig=a%2Bb%3D", null)]
    [InlineData("sv=1&sig=a%2Bb%3D", "/bucket/in.csv?sv=1&sig=a%2Bb%3D", null)]
    [InlineData("?token", "/bucket/in.csv?token", null)]
    public async Task A_secret_is_the_query_or_the_header(string secret, string target, string? authorization)
    {
        _server.Put("v1");

        var seen = await LookAsync(secret);
        await LookAsync(secret, _server.Url + "?a=b");

        var (plain, more) = (_server.Requests.First(), _server.Requests.Last());
        Assert.Equal((target, authorization), (plain.Target, plain.Headers.GetValueOrDefault("Authorization")));
        Assert.Equal(target.Contains('?', StringComparison.Ordinal) ? target.Replace("?", "?a=b&", StringComparison.Ordinal) : target + "?a=b", more.Target);
        Assert.Equal(_server.Url, seen!.Url);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Bearer a\r\nHost: elsewhere")]
    [InlineData("Bearer \u00e4")]
    public async Task A_secret_that_cannot_be_sent_is_refused_and_not_told(string secret)
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => LookAsync(secret));

        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains("'name'", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Bearer a\r", error.ToString(), StringComparison.Ordinal);
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task Authorization_does_not_follow_a_redirect()
    {
        await using var other = new ObjectServer();
        other.Put("v1");
        _server.Answer = _ => $"307 Temporary Redirect\r\nLocation: {other.Url}\r\nContent-Length: 0";

        var seen = await LookAsync("Bearer t");

        Assert.Equal((_server.Url, "v1"), (seen!.Url, seen.ETag));
        Assert.Equal("Bearer t", Assert.Single(_server.Requests).Headers["Authorization"]);
        Assert.DoesNotContain("Authorization", Assert.Single(other.Requests).Headers.Keys);
    }

    [Fact]
    public async Task Five_redirects_are_followed_and_no_more()
    {
        _server.Answer = request => int.Parse(request.Target[1..], System.Globalization.CultureInfo.InvariantCulture) is var left and > 0
            ? $"302 Found\r\nLocation: /{left - 1}\r\nContent-Length: 0"
            : "200 OK\r\nETag: \"v1\"";

        Assert.Equal("v1", (await LookAsync(url: $"http://{_server.Host}/5"))!.ETag);
        await UnseenAsync(LookAsync(url: $"http://{_server.Host}/6"), "302");
    }

    [Fact]
    public async Task Cookies_of_one_trigger_are_not_sent_by_another()
    {
        _server.Answer = _ => "200 OK\r\nETag: \"v1\"\r\nSet-Cookie: session=1; Path=/";

        await LookAsync();
        await LookAsync();

        Assert.All(_server.Requests, request => Assert.DoesNotContain("Cookie", request.Headers.Keys));
    }

    [Theory]
    [InlineData(404)]
    [InlineData(410)]
    public async Task What_is_not_there_is_no_error(int status)
    {
        _server.Refuse(status);

        Assert.Null(await LookAsync());
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(304)]
    public async Task Other_answers_are_errors_with_their_status(int status)
    {
        _server.Refuse(status);

        var error = await UnseenAsync(LookAsync(TestSecrets.Query), $"{status}");

        Assert.Equal($"{status}", error.Error.Details["status"]);
        Assert.DoesNotContain("sig", GristmillJson.Serialize(error.Error), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_or_is_none_is_an_error()
    {
        _server.Answer = static _ => null;
        using (var hasty = new ObjectWatch(TimeSpan.FromMilliseconds(50)))
        {
            await UnseenAsync(LookAsync(hasty, null, _server.Url), "did not answer");
        }

        await UnseenAsync(LookAsync(url: $"https://{_server.Host}/x"), "cannot be reached");
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        // A port that is taken, and that nobody listens on.
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await UnseenAsync(LookAsync(url: $"http://{closed.LocalEndPoint}/x"), "cannot be reached");
    }

    [Fact]
    public void An_id_is_bounded_and_another_for_each_version()
    {
        var url = $"https://host/{new string('a', 2000)}";
        var (one, other) = (new SeenObject(url, "1", null, null), new SeenObject(url, "2", null, null));

        Assert.InRange(one.FiringId(long.MaxValue).Length, 1, 512);
        Assert.NotEqual(one.FiringId(), other.FiringId());
        Assert.NotEqual(one.Version, other.Version);
    }
}
