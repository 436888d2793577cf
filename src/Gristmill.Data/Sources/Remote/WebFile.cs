using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Gristmill.Data.Sources.Remote;

/// <summary>A file of a web server: asked what it is, and fetched, going on where a connection breaks off.</summary>
internal sealed class WebFile
{
    private const int DiskFull = 28;
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(30);

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
    private readonly RemoteReadOptions _options;
    private readonly TimeProvider _time;

    public WebFile(Uri address, RemoteReadOptions options, TimeProvider time)
    {
        (Name, _options, _time) = (Addresses.Show(address), options, time);
        if (address.UserInfo.Length > 0)
        {
            // Sent to the first server alone: the handler drops the header where it follows a redirect.
            _authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(address.UserInfo))));
        }

        _address = new UriBuilder(address) { UserName = "", Password = "", Fragment = "" }.Uri;
    }

    /// <summary>Its address, without secrets.</summary>
    public string Name { get; }

    /// <summary>What the server says of it. Asked for with its first byte: addresses that are signed for GET take no HEAD.</summary>
    public Task<RemoteVersion> LookAsync(CancellationToken cancellationToken) => RetryAsync(async () =>
    {
        using var answer = await AskAsync(new RangeHeaderValue(0, 0), null, cancellationToken).ConfigureAwait(false);
        return RemoteVersion.Of(answer);
    }, static () => 0, cancellationToken);

    /// <summary>Fetches it into a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="known">What the server said of it before.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Its bytes.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.SourceChanged"/>, <see cref="ErrorCodes.SourceUnavailable"/>, <see cref="ErrorCodes.FileNotFound"/> or <see cref="ErrorCodes.StoreFull"/>.</exception>
    public async Task<long> FetchAsync(string path, RemoteVersion known, CancellationToken cancellationToken)
    {
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1);
        await using var _ = file.ConfigureAwait(false);
        long most = 0;
        return await RetryAsync(async () =>
        {
            if (file.Position > 0 && known.Condition is null)
            {
                // Nothing says that what follows belongs to what is here.
                file.SetLength(0);
            }

            var from = file.Position;
            using var answer = await AskAsync(from > 0 ? new RangeHeaderValue(from, null) : null, from > 0 ? known.Condition : null, cancellationToken).ConfigureAwait(false);
            var version = RemoteVersion.Of(answer);
            if (!known.Is(version) || answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                throw Changed();
            }

            if (from > 0 && (answer.StatusCode != HttpStatusCode.PartialContent || answer.Content.Headers.ContentRange?.From != from))
            {
                // The server does not do ranges: from the start.
                file.SetLength(0);
            }

            await CopyAsync(answer, file, () => most = Math.Max(most, file.Position), cancellationToken).ConfigureAwait(false);
            if ((version.Bytes ?? known.Bytes) is { } bytes && file.Position != bytes)
            {
                throw new IOException(FormattableString.Invariant($"{file.Position} of {bytes} bytes came"));
            }

            return file.Position;
        }, () => most, cancellationToken).ConfigureAwait(false);
    }

    private async Task CopyAsync(HttpResponseMessage answer, FileStream file, Action came, CancellationToken cancellationToken)
    {
        using var stalled = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stalled.Token, cancellationToken);
        var content = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new byte[1 << 17];
        while (true)
        {
            stalled.CancelAfter(_options.Timeout);
            int read;
            try
            {
                read = await content.ReadAsync(buffer, both.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stalled.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw Stalled();
            }

            if (read == 0)
            {
                return;
            }

            try
            {
                await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }
            catch (IOException e) when ((e.HResult & 0xFFFF) == DiskFull)
            {
                throw new GristmillException(ErrorCodes.StoreFull, $"The disk is full: '{Name}' cannot be fetched.", "Free some space where temporary files go, or lower BytesAhead.", e).With("file", Name);
            }

            came();
        }
    }

    private async Task<HttpResponseMessage> AskAsync(RangeHeaderValue? range, RangeConditionHeaderValue? condition, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _address);
        request.Headers.Authorization = _authorization;
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        (request.Headers.Range, request.Headers.IfRange) = (range, condition);
        using var late = new CancellationTokenSource(_options.Timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        HttpResponseMessage answer;
        try
        {
            answer = await s_client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw Stalled();
        }

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

    /// <summary>Tries until nothing more comes of it.</summary>
    private async Task<T> RetryAsync<T>(Func<Task<T>> work, Func<long> progress, CancellationToken cancellationToken)
    {
        var (failures, before) = (0, 0L);
        while (true)
        {
            Exception failure;
            try
            {
                return await work().ConfigureAwait(false);
            }
            catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.SecureConnectionError)
            {
                throw Unavailable($"offers no connection that can be trusted: {e.InnerException?.Message ?? e.Message}", "Look at the server's certificate, and at those that this host trusts.", e);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
            {
                failure = e;
            }

            failures = progress() > before ? 1 : failures + 1;
            before = progress();
            if (failures >= _options.Attempts)
            {
                var tries = string.Create(CultureInfo.InvariantCulture, $"{failures} attempt{(failures == 1 ? "" : "s")}");
                throw Unavailable($"cannot be fetched; {tries} ended with: {failure.Message}", "Look whether the server is up and can be reached from here, and run again.", failure);
            }

            var delay = _options.RetryDelay * Math.Pow(2, Math.Min(failures - 1, 10));
            await Task.Delay(delay < s_longestDelay ? delay : s_longestDelay, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private Exception Refused(HttpResponseMessage answer)
    {
        var status = (int)answer.StatusCode;
        return answer.StatusCode switch
        {
            HttpStatusCode.NotFound or HttpStatusCode.Gone => FileSet.NotFound(Name, FormattableString.Invariant($"does not exist on its server (HTTP {status})"), "Look at the address; what stands behind ? is not shown."),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => Unavailable(FormattableString.Invariant($"is refused by its server (HTTP {status})"),
                "Sign the address, or write user and password into it; a signature may have expired. No secret is shown here."),
            HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError =>
                new HttpRequestException(FormattableString.Invariant($"HTTP {status}"), null, answer.StatusCode),
            >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest => Unavailable(
                FormattableString.Invariant($"is answered with a redirect that is not followed (HTTP {status})"), "More than 10, and those from https to http, are not followed: give the last address."),
            >= HttpStatusCode.BadRequest => Unavailable(FormattableString.Invariant($"is refused by its server (HTTP {status})"), "Open the address with another client to see what the server says."),
            _ => Unavailable("is packed by its server for the way, against what was asked for", "Have the server send the file as it is stored."),
        };
    }

    private GristmillException Changed() =>
        new GristmillException(ErrorCodes.SourceChanged, $"'{Name}' was changed while it was read.", "Run again once nobody writes it.").With("file", Name);

    private TimeoutException Stalled() => new(FormattableString.Invariant($"nothing came for {_options.Timeout.TotalSeconds:0.###} s"));

    private GristmillException Unavailable(string what, string hint, Exception? inner = null) =>
        new GristmillException(ErrorCodes.SourceUnavailable, $"'{Name}' {what}.", hint, inner).With("file", Name);
}
