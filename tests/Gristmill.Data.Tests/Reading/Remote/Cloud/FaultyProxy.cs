using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gristmill.Data.Tests.Reading.Remote.Cloud;

/// <summary>Stands before a server on loopback, and breaks off, answers itself, or holds back. Each connection has one request.</summary>
internal sealed class FaultyProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentBag<Task> _answers = [];
    private readonly Task _accepting;
    private readonly int _server;

    public FaultyProxy(int server)
    {
        _server = server;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Heads of all requests.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>A whole answer to a request's head; null: the server's.</summary>
    public Func<string, string?> Instead { get; set; } = static _ => null;

    /// <summary>After how many bytes an answer breaks off; null: it does not.</summary>
    public Func<string, int?> Cut { get; set; } = static _ => null;

    /// <summary>Done before an answer is begun.</summary>
    public Func<string, CancellationToken, Task> Before { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>Done once an answer has broken off.</summary>
    public Func<Task> Broken { get; set; } = static () => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(_answers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            _answers.Add(AnswerAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using var near = client;
        var stream = near.GetStream();
        var head = await HeadAsync(stream);
        Requests.Enqueue(head);
        await Before(head, _end.Token);
        if (Instead(head) is { } answer)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), _end.Token);
            return;
        }

        using var far = new TcpClient();
        await far.ConnectAsync(IPAddress.Loopback, _server, _end.Token);
        var server = far.GetStream();
        await server.WriteAsync(Encoding.ASCII.GetBytes(head[..^2] + "Connection: close\r\n\r\n"), _end.Token);
        var left = Cut(head) ?? long.MaxValue;
        var buffer = new byte[1 << 16];
        while (left > 0 && await server.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), _end.Token) is > 0 and var read)
        {
            await stream.WriteAsync(buffer.AsMemory(0, read), _end.Token);
            left -= read;
        }

        if (left == 0)
        {
            await Broken();
        }
    }

    private async Task<string> HeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, _end.Token);
            head.Append((char)one[0]);
        }

        return head.ToString();
    }
}
