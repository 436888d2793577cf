using System.Net;
using System.Text;

namespace Gristmill.Cli.Commands;

/// <summary>Commands against a server that answers what a test says.</summary>
public abstract class ServedCommandTests : IDisposable
{
    private readonly HttpListener _server;
    private readonly string _address;
    private readonly Dictionary<string, (int Status, string Type, string Body)> _answers = [];

    protected ServedCommandTests()
    {
        (_server, _address) = Listen();
        _ = ServeAsync();
    }

    /// <summary>What the command asked for: method and address.</summary>
    protected List<string> Asked { get; } = [];

    /// <summary>The bodies of what it asked for, empty where there was none.</summary>
    protected List<string> Bodies { get; } = [];

    public virtual void Dispose()
    {
        _server.Close();
        GC.SuppressFinalize(this);
    }

    protected void Answer<T>(string path, T value) => Answer(path, 200, "application/json", GristmillJson.Serialize(value));

    /// <param name="path">Path and query; with an asterisk at its end, whatever starts so.</param>
    /// <param name="status">The status.</param>
    /// <param name="type">The type of the body.</param>
    /// <param name="body">The body.</param>
    protected void Answer(string path, int status, string type, string body) => _answers[path] = (status, type, body);

    protected Task<string> RunAsync(int exitCode, params string[] args) => RunAsync(exitCode, null, args);

    /// <param name="exitCode">How it must end.</param>
    /// <param name="terminal">The width of a terminal; null: as if redirected to a file.</param>
    /// <param name="args">The command, without the server.</param>
    protected async Task<string> RunAsync(int exitCode, int? terminal, string[] args)
    {
        var console = new TestConsole(terminal);
        Assert.Equal(exitCode, await MillCli.InvokeAsync([.. args, "--server", _address], console.Console, TestContext.Current.CancellationToken));
        return console.Text;
    }

    /// <summary>The listener cannot choose a port by itself, and a free one may be taken before it listens.</summary>
    private static (HttpListener Server, string Address) Listen()
    {
        while (true)
        {
            var address = $"http://127.0.0.1:{LoopbackPort.Free()}/";
            var server = new HttpListener();
            server.Prefixes.Add(address);
            try
            {
                server.Start();
                return (server, address);
            }
            catch (HttpListenerException)
            {
                server.Close();
            }
        }
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
            using (var reader = new StreamReader(context.Request.InputStream))
            {
                Bodies.Add(await reader.ReadToEndAsync());
            }

            var (status, type, body) = _answers.FirstOrDefault(answer => answer.Key == path || (answer.Key.EndsWith('*') && path.StartsWith(answer.Key[..^1], StringComparison.Ordinal))) is { Key: not null } found
                ? found.Value
                : (404, "application/json", """{"code":"not_found","detail":"nothing here"}""");
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body));
            context.Response.Close();
        }
    }
}
