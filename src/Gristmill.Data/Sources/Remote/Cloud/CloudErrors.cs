using System.Globalization;

namespace Gristmill.Data.Sources.Remote.Cloud;

/// <summary>What services say, as errors. Their own messages are left out, as some repeat what is secret.</summary>
internal static class CloudErrors
{
    /// <param name="calls">Who asked.</param>
    /// <param name="status">The answer's status; 0: none came.</param>
    /// <param name="code">The service's word for it.</param>
    /// <param name="header">The answer's headers.</param>
    public static Exception Explain(RemoteCalls calls, int status, string? code, Func<string, string?> header)
    {
        // It is shown, so it has to be a word.
        code = code is { Length: > 0 and <= 100 } && code.All(char.IsAsciiLetterOrDigit) ? code : null;
        var said = FormattableString.Invariant($"HTTP {status}{(code is null ? "" : $", {code}")}");
        switch (code, status)
        {
            case ("NoSuchBucket" or "ContainerNotFound", _):
                return FileSet.NotFound(calls.Name, $"does not exist: there is no such bucket or container ({said})", "Look at its name, and at the account or endpoint that the credentials are of.");
            case ("PermanentRedirect" or "AuthorizationHeaderMalformed" or "TemporaryRedirect", _) or (_, 301 or 307):
                var region = header("x-amz-bucket-region");
                return calls.Unavailable($"is in another region{(region is { Length: < 40 } && region.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-') ? $", {region}" : "")} ({said})",
                    "Set Region in the secret, or AWS_REGION.");
            case ("ExpiredToken" or "TokenRefreshRequired", _):
                return calls.Unavailable($"is refused: the credentials have expired ({said})", "Renew them. No secret is shown here.");
            case ("RequestTimeTooSkewed", _):
                return calls.Unavailable($"is refused: this host's clock is wrong ({said})", "Set the clock.");
            case (_, 404):
                return FileSet.NotFound(calls.Name, $"does not exist ({said})", "Look at bucket or container, and at the key; case matters.");
            case (_, 412):
                return calls.Changed();
            case (_, 401 or 403) or ("PublicAccessNotPermitted", _):
                return calls.Unavailable($"is refused ({said})", "Look at the credentials: whether they are of this account, may read and list here, and have not expired. No secret is shown here.");
            case (_, 0):
                return new BusyException("no answer", null);
            case ("RequestTimeout" or "SlowDown", _) or (_, 408 or 429 or >= 500):
                return new BusyException(said, After(calls, header("Retry-After")));
            default:
                return calls.Unavailable($"is refused ({said})", "Look at the address, the region and the endpoint.");
        }
    }

    private static TimeSpan? After(RemoteCalls calls, string? said) =>
        int.TryParse(said, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds)
        : DateTimeOffset.TryParse(said, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at - calls.Time.GetUtcNow()
        : null;
}
