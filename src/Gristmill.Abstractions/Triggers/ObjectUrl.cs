namespace Gristmill;

/// <summary>Addresses of objects that a trigger may look at.</summary>
internal static class ObjectUrl
{
    private const int MaxLength = 2048;

    /// <summary>Parameters of a query by which whoever reads the address may read the object.</summary>
    private static readonly HashSet<string> Secrets = new(StringComparer.OrdinalIgnoreCase)
    {
        "sig", "signature", "access_token", "api_key", "AWSAccessKeyId", "GoogleAccessId",
        "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Goog-Signature", "X-Goog-Credential",
    };

    /// <summary>What is wrong with an address, or null. The address is not in the answer: one that is refused may hold a secret.</summary>
    public static string? Problem(string? url)
    {
        if (url is not { Length: >= 1 and <= MaxLength })
        {
            return $"has {url?.Length ?? 0} characters; 1 to {MaxLength} are possible";
        }

        var web = url.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || url.StartsWith("http://", StringComparison.OrdinalIgnoreCase);
        if (!web || !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
        {
            return "is not absolute; write it as https://host/path";
        }

        return url.Any(static c => c <= ' ' || c == '\\' || char.IsControl(c)) ? "has spaces, backslashes or control characters; write them as %20 and the like"
            : uri.UserInfo.Length > 0 ? "holds a user name or password; name a secret of the host instead, whose value is the Authorization header"
            : url.Contains('#', StringComparison.Ordinal) ? "has a fragment, which no server sees; write '#' as %23, or leave it out"
            : SecretIn(uri.Query) is { } secret ? $"holds a secret, '{secret}' in its query, that everybody who sees the trigger would see; name a secret of the host instead, whose value is the query"
            : null;
    }

    private static string? SecretIn(string query) =>
        query.TrimStart('?').Split('&').Select(static part => Uri.UnescapeDataString(part.Split('=', 2)[0])).FirstOrDefault(Secrets.Contains);
}
