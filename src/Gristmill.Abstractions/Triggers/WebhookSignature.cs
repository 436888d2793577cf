using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Gristmill;

/// <summary>
/// Signatures of webhook requests as Standard Webhooks 1.0 defines them (https://www.standardwebhooks.com): the header
/// <c>webhook-signature</c> is <c>v1,</c> and the base 64 of HMAC-SHA256 over <c>id.timestamp.body</c>, where id and timestamp
/// (seconds since 1970) are the headers <c>webhook-id</c> and <c>webhook-timestamp</c>.
/// </summary>
public static class WebhookSignature
{
    /// <summary>The header of the message's id: the sender's, the same when it sends the message again.</summary>
    public const string IdHeader = "webhook-id";
    /// <summary>The header of the time of signing.</summary>
    public const string TimestampHeader = "webhook-timestamp";
    /// <summary>The header of the signatures, separated by spaces.</summary>
    public const string SignatureHeader = "webhook-signature";

    private const string Version = "v1,";
    private const string SecretPrefix = "whsec_";
    private const int MaxSignatures = 8;

    /// <summary>The value of the signature header.</summary>
    /// <param name="secret"><c>whsec_</c> and base 64 of the key, or any other text whose UTF-8 bytes are the key.</param>
    /// <param name="id">The message's id.</param>
    /// <param name="timestamp">The time of signing; only whole seconds count.</param>
    /// <param name="body">The body as it is sent.</param>
    public static string Sign(string secret, string id, DateTimeOffset timestamp, ReadOnlySpan<byte> body)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        ArgumentException.ThrowIfNullOrEmpty(id);
        return Version + Convert.ToBase64String(Digest(secret, id, timestamp.ToUnixTimeSeconds(), body));
    }

    /// <summary>Whether one of the signatures in a header is right; takes the same time wherever a wrong one differs.</summary>
    public static bool Verify(string secret, string id, DateTimeOffset timestamp, ReadOnlySpan<byte> body, string signatures)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentNullException.ThrowIfNull(signatures);
        var expected = Digest(secret, id, timestamp.ToUnixTimeSeconds(), body);
        var good = false;
        Span<byte> given = stackalloc byte[64];
        foreach (var signature in signatures.Split(' ', MaxSignatures + 1, StringSplitOptions.RemoveEmptyEntries).Take(MaxSignatures))
        {
            if (signature.StartsWith(Version, StringComparison.Ordinal) && Convert.TryFromBase64String(signature[Version.Length..], given, out var length))
            {
                good |= CryptographicOperations.FixedTimeEquals(expected, given[..length]);
            }
        }

        return good;
    }

    private static byte[] Digest(string secret, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Key(secret));
        hmac.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")));
        hmac.AppendData(body);
        return hmac.GetHashAndReset();
    }

    private static byte[] Key(string secret) =>
        secret.StartsWith(SecretPrefix, StringComparison.Ordinal) && Base64.IsValid(secret.AsSpan(SecretPrefix.Length))
            ? Convert.FromBase64String(secret[SecretPrefix.Length..])
            : Encoding.UTF8.GetBytes(secret);
}
