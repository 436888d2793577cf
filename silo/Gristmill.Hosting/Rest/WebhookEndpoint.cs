using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>
/// Takes signed requests for triggers. Everything about a request is checked before the trigger hears of it, the signature
/// before the body is looked into; of the body it gets only the values that its parameters ask for.
/// </summary>
/// <remarks>Of any content type, as curl and many senders name another: the signature says what it is.</remarks>
internal static class WebhookEndpoint
{
    private const int MaxIdLength = 256;
    private const int MaxValueBytes = 16 << 10;

    public static void Map(IEndpointRouteBuilder api) => api.MapPost("/hooks/{trigger}", TakeAsync)
        .Produces<TriggerFiring>(202).ProducesProblem(401).ProducesProblem(404).ProducesProblem(409).ProducesProblem(413).ProducesProblem(429)
        .WithTags("Triggers").WithSummary("Fires a webhook trigger. Signed as Standard Webhooks says: headers webhook-id, webhook-timestamp, webhook-signature.");

    private static async Task<IResult> TakeAsync(string trigger, HttpContext http, IGrainFactory grains, ISecretStore secrets, TimeProvider time)
    {
        var grain = grains.GetGrain<ITriggerGrain>(trigger);
        // A trigger of another kind is as unknown here as none: nobody without a signature learns which there are.
        if (!GristmillName.IsValid(trigger) || await grain.GetAsync() is not { Spec: { Webhook: { } webhook } spec })
        {
            throw new GristmillException(ErrorCodes.NotFound, $"There is no webhook '{trigger}'.", "Check the address.");
        }

        var (id, timestamp) = Headers(http.Request.Headers);
        if ((time.GetUtcNow() - timestamp).Duration() > webhook.Tolerance)
        {
            throw new GristmillException(ErrorCodes.WebhookExpired, $"The request was signed at {timestamp:u}, more than {webhook.Tolerance} from now.",
                "Sign it anew when it is sent, and set the sender's clock.");
        }

        var body = await ReadAsync(http, webhook.MaxBytes);
        var secret = await secrets.FindAsync(webhook.Secret, http.RequestAborted) ?? throw new GristmillException(
            ErrorCodes.SecretMissing, $"The host has no secret '{webhook.Secret}'.", $"Set {EnvironmentSecretStore.Variable(webhook.Secret)} in its environment, or write the file secrets/{webhook.Secret} in its data folder.");
        if (!WebhookSignature.Verify(secret, id, timestamp, body, http.Request.Headers[WebhookSignature.SignatureHeader].ToString()))
        {
            throw new GristmillException(ErrorCodes.WebhookSignature, "The request's signature is not right.",
                "Sign 'id.timestamp.body' with the trigger's secret; the body byte for byte as it is sent.");
        }

        var firing = await grain.DeliverAsync(new WebhookDelivery(id, timestamp, Values(spec, body)));
        return RestBody.Json(firing, StatusCodes.Status202Accepted);
    }

    private static (string Id, DateTimeOffset Timestamp) Headers(IHeaderDictionary headers)
    {
        var id = headers[WebhookSignature.IdHeader].ToString();
        var seconds = headers[WebhookSignature.TimestampHeader].ToString();
        if (id.Length is 0 or > MaxIdLength || id.Any(char.IsControl) || headers[WebhookSignature.SignatureHeader].Count == 0
            || !long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var unix) || unix > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            throw new GristmillException(ErrorCodes.WebhookSignature, "The request is not signed, or its headers are malformed.",
                $"Send {WebhookSignature.IdHeader} (1 to {MaxIdLength} characters), {WebhookSignature.TimestampHeader} (seconds since 1970) and {WebhookSignature.SignatureHeader}.");
        }

        return (id, DateTimeOffset.FromUnixTimeSeconds(unix));
    }

    /// <summary>The body, of which never more is read than the trigger allows, whatever its length is said to be.</summary>
    private static async Task<byte[]> ReadAsync(HttpContext http, int limit)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            // One more than is allowed, so that the answer below tells what the limit is.
            size.MaxRequestBodySize = limit + 1L;
        }

        using var body = new MemoryStream();
        var buffer = new byte[16 << 10];
        try
        {
            if (http.Request.ContentLength > limit)
            {
                throw TooLarge(limit);
            }

            int read;
            while ((read = await http.Request.Body.ReadAsync(buffer, http.RequestAborted)) > 0)
            {
                body.Write(buffer, 0, read);
                if (body.Length > limit)
                {
                    throw TooLarge(limit);
                }
            }
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw TooLarge(limit);
        }

        return body.ToArray();
    }

    private static ImmutableDictionary<string, string> Values(TriggerSpec spec, byte[] body)
    {
        var used = TriggerTemplate.Used(spec).Where(name => name.StartsWith(TriggerTemplate.Body, StringComparison.Ordinal)).ToList();
        if (used.Count == 0)
        {
            return ImmutableDictionary<string, string>.Empty;
        }

        try
        {
            using var document = JsonDocument.Parse(body);
            var values = TriggerTemplate.FromBody(used, document.RootElement);
            var bytes = values.Values.Sum(value => value.Length);
            return bytes <= MaxValueBytes ? values : throw new GristmillException(
                ErrorCodes.Invalid, $"The values that the trigger takes from the body have {bytes} characters; {MaxValueBytes} are possible.", "Send references to large data, not the data.");
        }
        catch (JsonException e)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The body is not JSON: {e.Message}", "The trigger takes parameters from it.", e);
        }
    }

    private static GristmillException TooLarge(int limit) =>
        new(ErrorCodes.WebhookTooLarge, $"The body is larger than the {limit} bytes that this webhook takes.", "Send less, or allow more in the trigger.");
}
