using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gristmill.Cli.Commands;

/// <summary>Commands against a server that answers what a test says.</summary>
public abstract class ServedCommandTests : IDisposable
{
    private readonly HttpListener _server = new();
    private readonly string _address;
    private readonly Dictionary<string, (int Status, string Json)> _answers = [];

    protected ServedCommandTests()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _address = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndPoint!).Port}/";
        probe.Close();
        _server.Prefixes.Add(_address);
        _server.Start();
        _ = ServeAsync();
    }

    /// <summary>What the command asked for: method and address.</summary>
    protected List<string> Asked { get; } = [];

    public void Dispose()
    {
        _server.Close();
        GC.SuppressFinalize(this);
    }

    protected void Answer<T>(string path, T value) => _answers[path] = (200, GristmillJson.Serialize(value));

    protected async Task<string> RunAsync(int exitCode, params string[] args)
    {
        var console = new TestConsole();
        Assert.Equal(exitCode, await MillCli.InvokeAsync([.. args, "--server", _address], console.Console, TestContext.Current.CancellationToken));
        return console.Text;
    }

    private async Task ServeAsync()
    {
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

            var path = context.Request.RawUrl!;
            Asked.Add($"{context.Request.HttpMethod} {path}");
            var (status, json) = _answers.FirstOrDefault(answer => answer.Key == path || (answer.Key.EndsWith('*') && path.StartsWith(answer.Key[..^1], StringComparison.Ordinal))) is { Key: not null } found
                ? found.Value
                : (404, """{"code":"not_found","detail":"nothing here"}""");
            context.Response.StatusCode = status;
            context.Response.ContentType = "application/json";
            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(json));
            context.Response.Close();
        }
    }
}
