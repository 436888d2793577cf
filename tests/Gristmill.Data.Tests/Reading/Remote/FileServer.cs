using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Gristmill.Data.Tests.Reading.Remote;

/// <summary>A web server on loopback that breaks off, changes, refuses or stalls as a test wants. Each connection has one answer.</summary>
internal sealed class FileServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentBag<Task> _answers = [];
    private readonly Task _accepting;

    public FileServer()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Files by path, such as "/a.csv".</summary>
    public ConcurrentDictionary<string, byte[]> Files { get; } = new();

    /// <summary>Says a file's tag; null: it has none.</summary>
    public Func<string, string?> Tag { get; set; } = static _ => "\"1\"";

    /// <summary>Answers instead of a file: a status line, such as "404 Not Found", and headers.</summary>
    public Func<Request, string?> Instead { get; set; } = static _ => null;

    /// <summary>After how many bytes of the body an answer breaks off; null: it does not.</summary>
    public Func<Request, int?> Cut { get; set; } = static _ => null;

    /// <summary>Done before an answer is begun.</summary>
    public Func<Request, CancellationToken, Task> Before { get; set; } = static (_, _) => Task.CompletedTask;

    public bool Ranges { get; set; } = true;

    public bool SaysLength { get; set; } = true;

    public X509Certificate2? Certificate { get; set; }

    public ConcurrentQueue<Request> Requests { get; } = new();

    public string Host => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public string Address(string path) => $"http://{Host}{path}";

    /// <summary>What was asked for to be fetched, not only looked at.</summary>
    public IEnumerable<Request> Fetches => Requests.Where(static request => request.Header("range") != "bytes=0-0");

    public async ValueTask DisposeAsync()
    {
        if (_accepting.IsCompleted)
        {
            return;
        }

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
            var client = await _listener.AcceptTcpClientAsync(_end.Token);
            _answers.Add(AnswerAsync(client));
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using var connection = client;
        Stream stream = client.GetStream();
        if (Certificate is not null)
        {
            var secure = new SslStream(stream);
            await secure.AuthenticateAsServerAsync(Certificate);
            stream = secure;
        }

        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        if (await reader.ReadLineAsync(_end.Token) is not { } first)
        {
            return;
        }

        var headers = new Dictionary<string, string>();
        while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon].ToLowerInvariant()] = line[(colon + 1)..].Trim();
        }

        var request = new Request(first.Split(' ')[1], headers);
        Requests.Enqueue(request);
        await Before(request, _end.Token);
        if (Instead(request) is { } instead)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {instead}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), _end.Token);
            return;
        }

        if (!Files.TryGetValue(request.Path, out var file))
        {
            await stream.WriteAsync("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), _end.Token);
            return;
        }

        var tag = Tag(request.Path);
        var (from, to, status) = (0, file.Length, "200 OK");
        if (Ranges && request.Header("range") is { } range && (request.Header("if-range") is not { } condition || condition == tag))
        {
            var parts = range["bytes=".Length..].Split('-');
            from = int.Parse(parts[0], CultureInfo.InvariantCulture);
            to = parts[1].Length > 0 ? Math.Min(to, int.Parse(parts[1], CultureInfo.InvariantCulture) + 1) : to;
            status = from < file.Length ? $"206 Partial Content\r\nContent-Range: bytes {from}-{to - 1}/{file.Length}" : $"416 Range Not Satisfiable\r\nContent-Range: bytes */{file.Length}";
            (from, to) = from < file.Length ? (from, to) : (0, 0);
        }

        var length = SaysLength ? $"Content-Length: {to - from}" : "X-Length: none";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nConnection: close\r\n{length}\r\n{(tag is null ? "" : $"ETag: {tag}\r\n")}\r\n"), _end.Token);
        var cut = Cut(request);
        await stream.WriteAsync(file.AsMemory(from, Math.Min(to - from, cut ?? int.MaxValue)), _end.Token);
        await stream.FlushAsync(_end.Token);
    }

    internal sealed record Request(string Target, IReadOnlyDictionary<string, string> Headers)
    {
        public string Path => Target.Split('?')[0];

        public string? Header(string name) => Headers.GetValueOrDefault(name);
    }
}
