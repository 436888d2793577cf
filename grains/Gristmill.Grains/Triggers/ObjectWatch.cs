using System.Globalization;
using System.Net;

namespace Gristmill.Grains.Triggers;

/// <summary>An object as its server tells of it.</summary>
/// <param name="Url">Its address, without what a secret adds.</param>
/// <param name="ETag">The server's tag of this content, without quotes; null if it gives none.</param>
/// <param name="Bytes">Its size, or null.</param>
/// <param name="Modified">When it was written, or null. There is this or a tag.</param>
internal sealed record SeenObject(string Url, string? ETag, long? Bytes, DateTimeOffset? Modified)
{
    private const int LongestId = 512;

    /// <summary>What is stored to know this content again: as long for every tag.</summary>
    public string Version => PipelineVersion.Digest(Tag)[..32];

    private string Tag => ETag ?? string.Create(CultureInfo.InvariantCulture, $"{Modified!.Value.ToUnixTimeSeconds()}+{Bytes}");

    /// <summary>The firing's id for this content.</summary>
    /// <param name="again">Tells it from an earlier firing for the same content.</param>
    public string FiringId(long? again = null)
    {
        var id = $"object:{Url}@{Tag}";
        id = id.Length <= LongestId ? id : $"object:{PipelineVersion.Digest(id)[..32]}";
        return again is null ? id : string.Create(CultureInfo.InvariantCulture, $"{id}#{again}");
    }
}

/// <summary>Asks servers for the version of an object. One for all triggers of a silo: they share its connections, and nothing else.</summary>
internal sealed class ObjectWatch : IDisposable
{
    /// <summary>How long a look may take. Two of them fit into a grain call's time.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private const int LongestTag = 1024;

    private readonly HttpClient _http;
    private readonly TimeSpan _limit;

    public ObjectWatch(TimeSpan limit)
    {
        _limit = limit;
        _http = new HttpClient(new SocketsHttpHandler
        {
            // Servers of object stores change their addresses all the time.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            // A redirect goes without the Authorization header, to the same host too.
            MaxAutomaticRedirections = 5,
            ConnectTimeout = limit,
            // What one server sets is not for another trigger to send.
            UseCookies = false,
            // A connection whose answer has a body is closed, the body is not read.
            MaxResponseDrainSize = 0,
            MaxResponseHeadersLength = 32,
            // Ids of our traces are none of their business, and no trace shows the address with its secret.
            ActivityHeadersPropagator = null,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("Gristmill");
    }

    public void Dispose() => _http.Dispose();

    /// <summary>The object as it is now, or null if there is none.</summary>
    /// <param name="source">Where it is.</param>
    /// <param name="secret">The value of the source's secret: a query for the address, or the Authorization header.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.ObjectUnseen"/>: the server refuses, does not answer, or tells no version; <see cref="ErrorCodes.Invalid"/>: the secret cannot be sent.
    /// </exception>
    public async Task<SeenObject?> LookAsync(ObjectArrival source, string? secret, CancellationToken cancellationToken)
    {
        var (address, authorization) = Address(source, secret?.Trim());
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_limit);
        try
        {
            using (var head = await SendAsync(HttpMethod.Head, address, authorization, limit.Token))
            {
                if (head.StatusCode is not (HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented))
                {
                    return Read(source.Url, head);
                }
            }

            using var first = await SendAsync(HttpMethod.Get, address, authorization, limit.Token);
            return Read(source.Url, first);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unseen(source.Url, $"did not answer within {_limit.TotalSeconds:0.#} s", "Check that the silos' hosts reach it; it is asked again.");
        }
        catch (HttpRequestException e)
        {
            // The innermost says what is wrong. None of them knows more than host and port, which a secret is no part of.
            throw Unseen(source.Url, $"cannot be reached: {SecretRedactor.Of(secret is null ? [] : [secret]).Redact(e.GetBaseException().Message)}",
                "Check the URL, and that the silos' hosts reach it and trust its certificate; it is asked again.");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri address, string? authorization, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, address);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        if (method == HttpMethod.Get)
        {
            request.Headers.Range = new(0, 0);
        }

        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    private static SeenObject? Read(string url, HttpResponseMessage answer)
    {
        var status = answer.StatusCode;
        if (status is HttpStatusCode.NotFound or HttpStatusCode.Gone)
        {
            return null;
        }

        if (status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            throw Unseen(url, $"refuses with {(int)status}",
                "Check the URL, and that the trigger's secret is one that lets it be seen with HEAD and has not expired. S3 also answers 403 for what is not there to those who may not list the bucket.", status);
        }

        // An empty object has no first byte: a server says so to a GET that asks for it.
        if (!answer.IsSuccessStatusCode && status != HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            throw Unseen(url, $"answered {(int)status}", "Check the URL; it is asked again.", status);
        }

        var headers = answer.Content.Headers;
        var whole = status is not (HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable);
        var seen = new SeenObject(url, ETag(answer), whole ? headers.ContentLength : headers.ContentRange?.Length, headers.LastModified);
        return seen is { ETag: null, Modified: null }
            ? throw Unseen(url, "tells neither its ETag nor when it was last modified, so that new content cannot be told from old", "Use a server that does, or a webhook.", status)
            : seen;
    }

    /// <summary>The tag, whether or not it is well formed. A weak one is compared as any other: proxies make one of the other.</summary>
    private static string? ETag(HttpResponseMessage answer)
    {
        if (!answer.Headers.NonValidated.TryGetValues("ETag", out var values))
        {
            return null;
        }

        var tag = values.ToString().Trim();
        tag = tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag;
        tag = tag is ['"', .. var inner, '"'] ? inner : tag;
        return tag.Length == 0 ? null : tag.Length <= LongestTag ? tag : PipelineVersion.Digest(tag);
    }

    /// <summary>Where and how to ask.</summary>
    private static (Uri Address, string? Authorization) Address(ObjectArrival source, string? secret)
    {
        if (secret is null)
        {
            return (new Uri(source.Url), null);
        }

        var equals = secret.IndexOf('=', StringComparison.Ordinal);
        var query = secret.StartsWith('?') || (equals >= 0 && !secret.AsSpan(0, equals).Contains(' '));
        var text = !query ? source.Url : $"{source.Url}{(source.Url.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{secret.TrimStart('?', '&')}";
        return secret.Length > 0 && secret.All(static c => c is >= ' ' and <= '~') && Uri.TryCreate(text, UriKind.Absolute, out var address)
            ? (address, query ? null : secret)
            : throw new GristmillException(ErrorCodes.Invalid, $"The secret '{source.Secret}' is no query and no Authorization header.",
                "Its value is one line of printable ASCII, such as ?sv=...&sig=... or Bearer ...").With("secret", source.Secret ?? "");
    }

    private static GristmillException Unseen(string url, string what, string hint, HttpStatusCode? status = null)
    {
        var error = new GristmillException(ErrorCodes.ObjectUnseen, $"The server of '{url}' {what}.", hint).With("url", url);
        return status is { } code ? error.With("status", ((int)code).ToString(CultureInfo.InvariantCulture)) : error;
    }
}
