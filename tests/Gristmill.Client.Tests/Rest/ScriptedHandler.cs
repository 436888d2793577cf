using System.Net;
using System.Text;

namespace Gristmill.Client.Rest;

/// <summary>Answers requests from a script, in order, and keeps what was asked.</summary>
internal sealed class ScriptedHandler : HttpMessageHandler
{
    private readonly Queue<Func<HttpRequestMessage, HttpResponseMessage>> _answers = new();

    public List<(string Method, string Address, string Body, HttpRequestMessage Request)> Asked { get; } = [];

    public ScriptedHandler Answer(string body, HttpStatusCode status = HttpStatusCode.OK, string type = "application/json", TimeSpan? retryAfter = null, string? link = null)
    {
        _answers.Enqueue(_ =>
        {
            var response = new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, type) };
            response.Headers.RetryAfter = retryAfter is { } wait ? new System.Net.Http.Headers.RetryConditionHeaderValue(wait) : null;
            if (link is not null)
            {
                response.Headers.Add("Link", link);
            }

            return response;
        });
        return this;
    }

    public ScriptedHandler Fail(HttpRequestError error = HttpRequestError.ConnectionError)
    {
        _answers.Enqueue(_ => throw new HttpRequestException(error, "refused"));
        return this;
    }

    public ScriptedHandler Break(string body)
    {
        _answers.Enqueue(_ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new BreakingStream(Encoding.UTF8.GetBytes(body))) });
        return this;
    }

    public GristmillClient Client(int attempts = 4) =>
        new(new HttpClient(this), new GristmillClientOptions
        {
            Server = new Uri("http://mill.test/base"),
            Attempts = attempts,
            Backoff = TimeSpan.FromMilliseconds(1),
        });

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Asked.Add((request.Method.Method, request.RequestUri!.AbsoluteUri,
            request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken), request));
        return _answers.Dequeue()(request);
    }

    private sealed class BreakingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position < Length ? base.ReadAsync(buffer, cancellationToken) : throw new IOException("the connection was lost");
    }
}
