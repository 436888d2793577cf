using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Gristmill.Grains.Testing;

/// <summary>A web server on this machine. It answers each request with what the test says, and never with a body.</summary>
internal sealed class ObjectServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;

    public ObjectServer()
    {
        _listener.Start();
        _serving = ServeAsync();
    }

    /// <summary>The status and headers of an answer; null: none ever comes. An object that is not there, until a test says otherwise.</summary>
    public Func<Request, string?> Answer { get; set; } = static _ => "404 Not Found";

    public ConcurrentQueue<Request> Requests { get; } = [];

    public string Host => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public string Url => $"http://{Host}/bucket/in.csv";

    /// <summary>Has an object from now on.</summary>
    public void Put(string etag, long bytes = 5) =>
        Answer = _ => $"200 OK\r\nETag: \"{etag}\"\r\nContent-Length: {bytes}\r\nLast-Modified: Wed, 01 Jan 2025 10:20:30 GMT";

    /// <summary>Answers with a status from now on.</summary>
    public void Refuse(int status) => Answer = _ => $"{status} No\r\nContent-Length: 0";

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                open.Add(AnswerAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await using var stream = client.GetStream();
                using var reader = new StreamReader(stream);
                // What does not begin as HTTP, such as TLS, is not answered.
                var first = new char[1];
                if (await reader.ReadAsync(first, _end.Token) == 0 || !char.IsAsciiLetter(first[0]))
                {
                    return;
                }

                var lines = new List<string>();
                while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 } line)
                {
                    lines.Add(line);
                }

                var (method, target) = lines[0].Split(' ') is [var rest, var path, _] ? (first[0] + rest, path) : throw new IOException("no request");
                var request = new Request(method, target, lines.Skip(1).Select(static line => line.Split(": ", 2))
                    .ToDictionary(static header => header[0], static header => header[1], StringComparer.OrdinalIgnoreCase));
                Requests.Enqueue(request);
                if (Answer(request) is not { } answer)
                {
                    await Task.Delay(Timeout.Infinite, _end.Token);
                    return;
                }

                await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 {answer}\r\nConnection: close\r\n\r\n"), _end.Token);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client has gone, or the test is over.
            }
        }
    }

    /// <summary>A request as it came.</summary>
    public sealed record Request(string Method, string Target, IReadOnlyDictionary<string, string> Headers);
}
