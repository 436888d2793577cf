using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>The web console's files as a host under a prefix of its own gives them; what they do is tested in a browser, in console/tests.</summary>
public sealed partial class ConsoleFilesTests(ConsoleFilesTests.PrefixedHost host) : IClassFixture<ConsoleFilesTests.PrefixedHost>
{

    [Fact]
    public async Task The_page_and_what_it_loads_are_there_and_are_kept_by_browsers_as_long_as_they_hold()
    {
        var http = host.Http;
        var page = await http.GetAsync(new Uri("console/", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType!.MediaType));
        Assert.Equal("no-cache", page.Headers.CacheControl!.ToString());
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);

        var text = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var loaded = Loaded().Matches(text).Select(match => match.Groups[1].Value).ToList();
        Assert.Contains(loaded, name => name.EndsWith(".js", StringComparison.Ordinal));
        Assert.Contains(loaded, name => name.EndsWith(".css", StringComparison.Ordinal));
        foreach (var name in loaded)
        {
            // Relative to the page: the host's prefix stays in front.
            Assert.StartsWith("./", name, StringComparison.Ordinal);
            using var file = await http.GetAsync(new Uri("console/" + name[2..], UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, file.StatusCode);
            Assert.Contains("immutable", file.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(file.Headers.GetValues("X-Content-Type-Options")));
        }

        using var again = new HttpRequestMessage(HttpMethod.Get, new Uri("console/", UriKind.Relative));
        again.Headers.IfNoneMatch.Add(page.Headers.ETag!);
        using var same = await http.SendAsync(again, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
    }

    [Theory]
    [InlineData("console", HttpStatusCode.Redirect)]
    [InlineData("console/nothing.js", HttpStatusCode.NotFound)]
    [InlineData("console/..%2f..%2fappsettings.json", HttpStatusCode.NotFound)]
    [InlineData("console/assets", HttpStatusCode.NotFound)]
    public async Task Nothing_else_is(string path, HttpStatusCode status)
    {
        var http = host.Http;
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(status, answer.StatusCode);
        if (status == HttpStatusCode.Redirect)
        {
            Assert.Equal("/ml/console/", answer.Headers.Location!.ToString());
        }
    }

    [Fact]
    public async Task A_host_without_a_console_has_neither_page_nor_dashboard()
    {
        await using var bare = new PrefixedHost { Configure = options => (options.Console, options.Dashboard) = (false, false) };
        await bare.InitializeAsync();
        var http = bare.Http;
        foreach (var path in (string[])["console/", "orleans"])
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }

        Assert.Contains("Gristmill", await http.GetStringAsync(new Uri("api/v1/info", UriKind.Relative), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    // As browsers send it: what a page's code cannot set decides.
    [InlineData("cross-site", "https://evil.example", false)]
    [InlineData("same-site", "http://127.0.0.1:1", false)]
    [InlineData("same-origin", "SELF", true)]
    [InlineData("none", null, true)]
    // Browsers of before Sec-Fetch-Site, and sandboxed frames.
    [InlineData(null, "https://evil.example", false)]
    [InlineData(null, "null", false)]
    [InlineData(null, "SELF", true)]
    // Programs.
    [InlineData(null, null, true)]
    // An origin that the host trusts.
    [InlineData("cross-site", "https://ml.example.com", true)]
    public async Task Changes_are_refused_to_pages_of_other_origins(string? site, string? origin, bool taken)
    {
        var http = host.Http;
        var name = "p" + Guid.CreateVersion7().ToString("n");
        using var request = Request(HttpMethod.Put);
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(taken ? HttpStatusCode.OK : HttpStatusCode.Forbidden, answer.StatusCode);
        if (!taken)
        {
            Assert.Contains("http.cross_origin", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        // To read is a matter of the browser, which shows other origins nothing of the answer.
        using var read = Request(HttpMethod.Get);
        using var list = await http.SendAsync(read, TestContext.Current.CancellationToken);
        Assert.Equal(taken ? HttpStatusCode.OK : HttpStatusCode.NotFound, list.StatusCode);

        HttpRequestMessage Request(HttpMethod method)
        {
            var message = new HttpRequestMessage(method, new Uri("api/v1/pipelines/" + name, UriKind.Relative));
            if (method == HttpMethod.Put)
            {
                message.Content = new StringContent($$"""{"name":"{{name}}","stages":[{"name":"a","operation":"core.noop"}]}""", new MediaTypeHeaderValue("application/json"));
            }

            if (site is not null)
            {
                message.Headers.Add("Sec-Fetch-Site", site);
            }

            if (origin is not null)
            {
                message.Headers.Add("Origin", origin == "SELF" ? http.BaseAddress!.GetLeftPart(UriPartial.Authority) : origin);
            }

            return message;
        }
    }

    [GeneratedRegex("(?:src|href)=\"([^\"]+)\"")]
    private static partial Regex Loaded();

    /// <summary>A host as a team would have it, below /ml behind its proxy.</summary>
    public sealed class PrefixedHost : IAsyncLifetime
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-console-").FullName;
        private WebApplication? _app;

        public Action<GristmillOptions> Configure { get; init; } = static _ => { };

        public HttpClient Http { get; } = new(new HttpClientHandler { AllowAutoRedirect = false });

        public async ValueTask InitializeAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.Configuration["Gristmill:TrustedOrigins:0"] = "https://ml.example.com";
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.UseOrleans(silo => silo.UseGristmill(options =>
            {
                options.DataDirectory = Path.Combine(_folder, "data");
                options.ObjectDirectory = Path.Combine(_folder, "objects");
                options.Executor = ExecutorKind.InProcess;
                Configure(options);
            }));
            _app = builder.Build();
            _app.UsePathBase("/ml");
            _app.UseRouting();
            _app.MapGristmill();
            await _app.StartAsync(TestContext.Current.CancellationToken);
            Http.BaseAddress = new Uri(_app.Urls.First() + "/ml/");
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await _app!.StopAsync();
            await _app.DisposeAsync();
            Directory.Delete(_folder, recursive: true);
        }
    }
}
