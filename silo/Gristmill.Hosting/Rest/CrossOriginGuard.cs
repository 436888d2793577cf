using Microsoft.AspNetCore.Http;

namespace Gristmill.Hosting;

/// <summary>
/// Refuses changes that a page of another origin asks for through somebody's browser (cross-site request forgery). A silo that trusts
/// all who reach it on loopback would otherwise cancel runs for any web site that its user looks at. Browsers say where a request comes
/// from in Sec-Fetch-Site, older ones in Origin; programs send neither and are not concerned.
/// </summary>
internal static class CrossOriginGuard
{
    /// <exception cref="GristmillException"><see cref="ErrorCodes.CrossOrigin"/>.</exception>
    public static void Check(HttpRequest request, IReadOnlyCollection<string> trusted)
    {
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
        {
            return;
        }

        var origin = request.Headers.Origin.ToString();
        if (origin.Length > 0 && trusted.Contains(origin, StringComparer.OrdinalIgnoreCase))
        {
            return;
        }

        // Sec-Fetch-Site cannot be set by a page's code. "none": the user's own doing, such as a bookmark.
        var allowed = request.Headers["Sec-Fetch-Site"].ToString() switch
        {
            "same-origin" or "none" => true,
            "" => origin.Length == 0 || (Uri.TryCreate(origin, UriKind.Absolute, out var from) && string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase)),
            _ => false,
        };
        if (!allowed)
        {
            throw new GristmillException(ErrorCodes.CrossOrigin, $"A page of another origin ({(origin.Length > 0 ? origin : "not named")}) asked for a change.",
                "Nothing was changed. If the page is yours, name its origin in Gristmill:TrustedOrigins:0.").With("origin", origin);
        }
    }
}
