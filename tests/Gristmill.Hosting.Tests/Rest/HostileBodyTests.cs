using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Gristmill.Hosting;

/// <summary>Bodies that are too large or mean no good: refused with a code, and nothing changes.</summary>
public sealed class HostileBodyTests(HostileBodyTests.Served served) : IClassFixture<HostileBodyTests.Served>
{
    private const int SpecBytes = 100 << 20;
    private const int MayGrowMegabytes = 64;

    private HttpClient Http => served.Silo.Http;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_spec_of_a_hundred_megabytes_is_refused_and_memory_stays_flat(bool saysItsLength)
    {
        var before = PeakMegabytes();

        using var content = new Endless("{\"name\":\"large\",\"description\":\"", SpecBytes, saysItsLength);
        using var request = new HttpRequestMessage(HttpMethod.Put, "/api/v1/pipelines/large") { Content = content };
        // With "100-continue" the client learns of the refusal before it has sent it all.
        request.Headers.ExpectContinue = true;
        try
        {
            using var answer = await Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
            Assert.Equal(ErrorCodes.TooLarge, (await ProblemAsync(answer)).GetProperty("code").GetString());
        }
        catch (HttpRequestException) when (!saysItsLength)
        {
            // The server answers and hangs up in mid-sentence; a client that goes on talking may not hear the answer.
        }

        Assert.InRange(PeakMegabytes() - before, 0, MayGrowMegabytes);
        using var none = await Http.GetAsync(new Uri("/api/v1/pipelines/large", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    [Theory]
    [InlineData("POST", "/api/v1/pipelines/one/runs", null, 415, ErrorCodes.MediaType, "takes application/json, and the request does not say")]
    [InlineData("POST", "/api/v1/runs/one/rerun", "application/x-www-form-urlencoded", 415, ErrorCodes.MediaType, "is of type 'application/x-www-form-urlencoded'")]
    [InlineData("DELETE", "/api/v1/pipelines/one/runs", null, 405, ErrorCodes.Method, "does not take DELETE")]
    [InlineData("GET", "/api/v1/nothing/here", null, 404, ErrorCodes.NotFound, "There is nothing at /api/v1/nothing/here")]
    public async Task A_request_that_no_address_takes_hears_why(string method, string path, string? type, int status, string code, string says)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (type is not null)
        {
            request.Content = new StringContent("{}", new MediaTypeHeaderValue(type));
        }

        using var answer = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)answer.StatusCode);
        var problem = await ProblemAsync(answer);
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Contains(says, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(status == 405 ? ["POST"] : [], answer.Content.Headers.Allow);
    }

    [Fact]
    public async Task An_unknown_member_is_named_with_its_path_and_what_was_meant()
    {
        using var body = new StringContent("""{"name":"typo","stages":[{"name":"a","operation":"core.noop","optoins":{}}]}""", Encoding.UTF8, "application/json");
        using var answer = await Http.PutAsync(new Uri("/api/v1/pipelines/typo", UriKind.Relative), body, TestContext.Current.CancellationToken);
        var problem = await ProblemAsync(answer);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("$.stages[0].optoins", problem.GetProperty("details").GetProperty("path").GetString());
        Assert.Contains("'options'", problem.GetProperty("hint").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_archive_that_leads_elsewhere_is_refused_and_leaves_nothing()
    {
        using var buffer = new MemoryStream();
        using (var archive = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var name in new[] { "pipeline.dll", "../escaped.dll" })
            {
                using var entry = archive.CreateEntry(name).Open();
                entry.WriteByte(1);
            }
        }

        using var body = new ByteArrayContent(buffer.ToArray());
        body.Headers.ContentType = new MediaTypeHeaderValue("application/zip");
        using var answer = await Http.PostAsync(new Uri("/api/v1/code?entry=pipeline.dll", UriKind.Relative), body, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("../escaped.dll", (await ProblemAsync(answer)).GetProperty("details").GetProperty("file").GetString());
        Assert.DoesNotContain(Directory.EnumerateFiles(served.Silo.DataDirectory, "*.dll", SearchOption.AllDirectories), _ => true);
    }

    [Fact]
    public async Task The_schema_is_served()
    {
        var schema = await Http.GetStringAsync(new Uri("/api/v1/schema/pipeline", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(PipelineSchema.Text, schema);
    }

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer) => await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

    private long PeakMegabytes()
    {
        var line = File.ReadLines($"/proc/{served.Silo.Id}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024 / 1_000_000;
    }

    public sealed class Served : IAsyncLifetime
    {
        public SiloProcess Silo { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Silo = await SiloProcess.StartAsync();

        public ValueTask DisposeAsync() => Silo.DisposeAsync();
    }

    /// <summary>A start and then so many bytes of text, made while they are sent.</summary>
    private sealed class Endless : HttpContent
    {
        private readonly byte[] _start;
        private readonly int _bytes;
        private readonly bool _saysItsLength;

        public Endless(string start, int bytes, bool saysItsLength)
        {
            (_start, _bytes, _saysItsLength) = (Encoding.UTF8.GetBytes(start), bytes, saysItsLength);
            Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_start);
            var part = new byte[1 << 16];
            Array.Fill(part, (byte)'x');
            for (var sent = 0; sent < _bytes; sent += part.Length)
            {
                await stream.WriteAsync(part);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _start.Length + _bytes;
            return _saysItsLength;
        }
    }
}
