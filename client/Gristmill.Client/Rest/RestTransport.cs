using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Gristmill.Client;

/// <summary>Sends requests: time-outs, repeated attempts, and errors as <see cref="GristmillException"/>.</summary>
internal sealed class RestTransport(HttpClient http, GristmillClientOptions options, TimeProvider time)
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    public Uri Server => options.Server;

    public TimeProvider Time => time;

    public GristmillClientOptions Options => options;

    /// <summary>JSON in, JSON out.</summary>
    public async Task<T> SendAsync<T>(HttpMethod method, string path, object? body, bool repeatable, CancellationToken cancellationToken,
        string? idempotencyKey = null)
    {
        var bytes = body is null ? null : JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), GristmillJson.Options);
        using var response = await SendAsync(() =>
        {
            var request = new HttpRequestMessage(method, Address(path));
            if (bytes is not null)
            {
                request.Content = new ByteArrayContent(bytes) { Headers = { ContentType = Json } };
            }

            if (idempotencyKey is not null)
            {
                request.Headers.Add("Idempotency-Key", idempotencyKey);
            }

            return request;
        }, repeatable, HttpCompletionOption.ResponseContentRead, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    /// <summary>Sends what <paramref name="create"/> makes, again and again where that is harmless, until there is an answer of success.</summary>
    public async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> create, bool repeatable, HttpCompletionOption completion,
        CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var last = attempt >= options.Attempts;
            TimeSpan? wait = null;
            using var limit = new CancellationTokenSource(options.Timeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            HttpResponseMessage? response = null;
            try
            {
                using var request = create();
                response = await http.SendAsync(request, completion, either.Token);
                if (response.IsSuccessStatusCode)
                {
                    return response;
                }

                if (last || response.StatusCode != HttpStatusCode.ServiceUnavailable || !repeatable)
                {
                    throw await DescribeAsync(response, either.Token);
                }

                wait = response.Headers.RetryAfter?.Delta;
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && limit.IsCancellationRequested)
            {
                throw new GristmillException(ErrorCodes.Timeout, $"{options.Server} did not answer within {options.Timeout.TotalSeconds:0.#} s.",
                    "See whether it is overloaded, or allow more time.", e);
            }
            catch (HttpRequestException e) when (last || !(repeatable || NeverSent(e)))
            {
                throw Unreachable(e);
            }
            catch (HttpRequestException)
            {
                // Not the last attempt, and repeating it is harmless.
            }
            finally
            {
                if (response is { IsSuccessStatusCode: false })
                {
                    response.Dispose();
                }
            }

            await Task.Delay(wait ?? options.Backoff * Math.Pow(2, attempt - 1), time, cancellationToken);
        }
    }

    public static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (typeof(T) == typeof(Nothing))
        {
            return default!;
        }

        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            return await JsonSerializer.DeserializeAsync<T>(stream, GristmillJson.Tolerant, cancellationToken)
                ?? throw new JsonException("the answer is null");
        }
        catch (JsonException e)
        {
            throw new GristmillException(ErrorCodes.Internal, $"{response.RequestMessage?.RequestUri} answered what is no {typeof(T).Name}: {e.Message}",
                "Is this a Gristmill server, and of this version?", e);
        }
    }

    public Uri Address(string path)
    {
        var root = options.Server.AbsoluteUri;
        return new Uri($"{(root.EndsWith('/') ? root : root + "/")}api/v1/{path}");
    }

    public GristmillException Unreachable(Exception cause) =>
        new(ErrorCodes.Unreachable, $"The server {options.Server} cannot be reached: {cause.Message}",
            "Start one with 'mill up', or name another with --server or GRISTMILL_SERVER.", cause);

    /// <summary>Whether the request cannot have had an effect, as no connection came about.</summary>
    private static bool NeverSent(HttpRequestException e) =>
        e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError;

    private async Task<GristmillException> DescribeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        if (response.Content.Headers.ContentType?.MediaType is "application/problem+json" or "application/json")
        {
            try
            {
                var problem = await JsonSerializer.DeserializeAsync<ProblemDetails>(
                    await response.Content.ReadAsStreamAsync(cancellationToken), GristmillJson.Tolerant, cancellationToken);
                if (problem?.Code is { } code)
                {
                    return new GristmillException(new ErrorInfo(code, problem.Detail ?? problem.Title ?? $"HTTP {status}", problem.Hint)
                    {
                        Details = problem.Details ?? [],
                    });
                }
            }
            catch (JsonException)
            {
                // Not ours; the status must do.
            }
        }

        var byStatus = status switch
        {
            400 or 415 or 422 => ErrorCodes.Invalid,
            413 => ErrorCodes.TooLarge,
            404 => ErrorCodes.NotFound,
            409 => ErrorCodes.Conflict,
            503 => ErrorCodes.Overloaded,
            504 => ErrorCodes.Timeout,
            _ => ErrorCodes.Internal,
        };
        return new GristmillException(byStatus, $"{options.Server} answered {status} {response.ReasonPhrase}.", "Is this a Gristmill server?")
            .With("status", status.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>For calls without an answer.</summary>
    internal readonly record struct Nothing;
}
