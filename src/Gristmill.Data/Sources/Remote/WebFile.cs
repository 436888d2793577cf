using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Gristmill.Data.Sources.Remote;

/// <summary>A file of a web server.</summary>
internal sealed class WebFile : RemoteFile
{
    // Content is taken as it is stored: what a server packs for the way would have neither the length nor the ranges of the file.
    private static readonly HttpClient s_client = new(new SocketsHttpHandler
    {
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(30),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        MaxAutomaticRedirections = 10,
        UseCookies = false,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly Uri _address;
    private readonly AuthenticationHeaderValue? _authorization;

    public WebFile(Uri address, RemoteReadOptions options, TimeProvider time)
        : base(new RemoteCalls(Addresses.Show(address), options, time))
    {
        if (address.UserInfo.Length > 0)
        {
            // Sent to the first server alone: the handler drops the header where it follows a redirect.
            _authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(address.UserInfo))));
        }

        _address = new UriBuilder(address) { UserName = "", Password = "", Fragment = "" }.Uri;
    }

    /// <summary>Asked for with its first byte: addresses that are signed for GET take no HEAD.</summary>
    protected override async Task<RemoteVersion> AskAsync(CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(new RangeHeaderValue(0, 0), null, cancellationToken).ConfigureAwait(false);
        return RemoteVersion.Of(answer);
    }

    protected override async Task<RemoteContent> OpenAsync(long from, RemoteVersion known, CancellationToken cancellationToken)
    {
        var answer = await SendAsync(from > 0 ? new RangeHeaderValue(from, null) : null, from > 0 ? known.Condition : null, cancellationToken).ConfigureAwait(false);
        try
        {
            return answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable
                ? throw Calls.Changed()
                : new RemoteContent(
                    await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false),
                    RemoteVersion.Of(answer),
                    answer.StatusCode == HttpStatusCode.PartialContent && answer.Content.Headers.ContentRange?.From == from ? from : 0,
                    answer);
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(RangeHeaderValue? range, RangeConditionHeaderValue? condition, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _address);
        request.Headers.Authorization = _authorization;
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        (request.Headers.Range, request.Headers.IfRange) = (range, condition);
        var answer = await s_client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);

        // 416 is what is said of the first byte of a file that has none.
        if ((!answer.IsSuccessStatusCode && answer.StatusCode != HttpStatusCode.RequestedRangeNotSatisfiable) || answer.Content.Headers.ContentEncoding.Any(static coding => coding != "identity"))
        {
            using (answer)
            {
                throw Refused(answer);
            }
        }

        return answer;
    }

    private Exception Refused(HttpResponseMessage answer)
    {
        var status = (int)answer.StatusCode;
        return answer.StatusCode switch
        {
            HttpStatusCode.NotFound or HttpStatusCode.Gone => FileSet.NotFound(Name, FormattableString.Invariant($"does not exist on its server (HTTP {status})"), "Look at the address; what stands behind ? is not shown."),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => Calls.Unavailable(FormattableString.Invariant($"is refused by its server (HTTP {status})"),
                "Sign the address, or write user and password into it; a signature may have expired. No secret is shown here."),
            HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError =>
                new BusyException(FormattableString.Invariant($"HTTP {status}"), After(answer.Headers.RetryAfter)),
            >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest => Calls.Unavailable(
                FormattableString.Invariant($"is answered with a redirect that is not followed (HTTP {status})"), "More than 10, and those from https to http, are not followed: give the last address."),
            >= HttpStatusCode.BadRequest => Calls.Unavailable(FormattableString.Invariant($"is refused by its server (HTTP {status})"), "Open the address with another client to see what the server says."),
            _ => Calls.Unavailable("is packed by its server for the way, against what was asked for", "Have the server send the file as it is stored."),
        };
    }

    private TimeSpan? After(RetryConditionHeaderValue? said) => said?.Delta ?? (said?.Date - Calls.Time.GetUtcNow());
}
