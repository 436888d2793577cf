using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Gristmill.Cli.Commands;

/// <summary>"mill export" against a server of two answers.</summary>
public sealed class ExportCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-export-").FullName;
    private readonly HttpListener _server = new();
    private readonly string _address;
    private readonly List<string> _asked = [];

    public ExportCommandTests()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _address = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndPoint!).Port}/";
        probe.Close();
        _server.Prefixes.Add(_address);
        _server.Start();
        _ = ServeAsync();
    }

    public void Dispose()
    {
        _server.Close();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_newest_version_is_written_in_place_of_what_was_there()
    {
        var file = Path.Combine(_folder, "model.onnx");
        await File.WriteAllTextAsync(file, "what was there before, and longer", TestContext.Current.CancellationToken);
        var console = new TestConsole();

        Assert.Equal(0, await MillCli.InvokeAsync(["export", "late", "--out", file, "--server", _address], console.Console, TestContext.Current.CancellationToken));

        Assert.Equal("file 2", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Contains("late version 2", console.Text);
        Assert.Equal([file], Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task A_version_may_be_named_and_the_answer_be_json()
    {
        var file = Path.Combine(_folder, "model.onnx");
        var console = new TestConsole();

        Assert.Equal(0, await MillCli.InvokeAsync(["export", "late", "--version", "1", "--format", "onnx", "-o", file, "--json", "-s", _address],
            console.Console, TestContext.Current.CancellationToken));

        Assert.Equal("file 1", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal(["/api/v1/models/late/export?format=onnx&version=1"], _asked);
        var answer = JsonDocument.Parse(console.Text).RootElement;
        Assert.Equal((1, 6, file), (answer.GetProperty("version").GetInt32(), answer.GetProperty("bytes").GetInt32(), answer.GetProperty("file").GetString()));
    }

    [Fact]
    public async Task A_refusal_leaves_the_file_that_is_there()
    {
        var file = Path.Combine(_folder, "model.onnx");
        await File.WriteAllTextAsync(file, "before", TestContext.Current.CancellationToken);

        Assert.Equal(1, await MillCli.InvokeAsync(["export", "chain", "--version", "1", "--out", file, "--server", _address], new TestConsole().Console,
            TestContext.Current.CancellationToken));

        Assert.Equal("before", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal([file], Directory.GetFiles(_folder));
    }

    private async Task ServeAsync()
    {
        const string version = """{"version":N,"model":{"digest":"d","engine":"lightgbm","bytes":1},"created":"2026-01-01T00:00:00Z"}""";
        while (_server.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _server.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            var path = context.Request.Url!.PathAndQuery;
            _asked.Add(path);
            var (status, type, body) = path switch
            {
                "/api/v1/models/late" => (200, "application/json", $$"""{"name":"late","versions":[{{version.Replace("N", "1", StringComparison.Ordinal)}},{{version.Replace("N", "2", StringComparison.Ordinal)}}]}"""),
                "/api/v1/models/late/export?format=onnx&version=1" => (200, "application/octet-stream", "file 1"),
                "/api/v1/models/late/export?format=onnx&version=2" => (200, "application/octet-stream", "file 2"),
                _ => (422, "application/problem+json", """{"code":"model.not_exportable","detail":"no"}"""),
            };
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body));
            context.Response.Close();
        }
    }
}
